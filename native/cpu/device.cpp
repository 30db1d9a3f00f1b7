#include "device.h"

#include <omp.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "../memory.h"
#include "bf16_products.h"
#include "chain.h"
#include "library.h"
#include "registry.h"

namespace halfspace::cpu {
namespace {

// Gradients fade into denormals, which cost a hundred times a normal number; zero does as well.
void flush_denormals() {
#if defined(__x86_64__)
  constexpr unsigned kFlushToZero = 0x8000;
  constexpr unsigned kDenormalsAreZero = 0x0040;
  _mm_setcsr(_mm_getcsr() | kFlushToZero | kDenormalsAreZero);
#endif
}

class CpuDevice final : public Device {
 public:
  CpuDevice(Precision precision, bool timed) : precision_(precision), timed_(timed) {}

  const KernelEntry* find(const std::string& kernel) const override {
    const KernelEntry* rounding =
        precision_ == Precision::Bf16 ? find_bf16_product(kernel) : nullptr;
    return rounding ? rounding : find_kernel(kernel, block_);
  }

  int64_t channel_block(int64_t) const override { return block_; }

  // At every precision: oneDNN rounds what it multiplies as it reads it.
  DType image_type() const override { return DType::F32; }

  // The system gives zeros, whatever is wanted.
  std::unique_ptr<Memory> allocate(size_t bytes, Contents) const override {
    return std::make_unique<HostMemory>(bytes);
  }

  std::unique_ptr<InOut> allocate_in_out(size_t input_bytes, size_t output_bytes) const override {
    return std::make_unique<HostInOut>(input_bytes + output_bytes);
  }

  bool sends_ahead() const override { return false; }

  std::unique_ptr<Kernel> make_chain(const Chain& chain, std::span<KernelCache> lanes) const override {
    return cpu::make_chain(chain, lanes, timed_);
  }

  // The team size belongs to the calling thread; its team keeps the floating point mode.
  void enter_thread(int threads) const override {
    omp_set_dynamic(0);
    omp_set_num_threads(threads);
#pragma omp parallel num_threads(threads)
    flush_denormals();
  }

  // Kernels have finished when they return.
  void wait() const override {}

 private:
  Precision precision_;
  bool timed_;
  int64_t block_ = best_channel_block();
};

}  // namespace

std::unique_ptr<Device> open(const DeviceOptions& options) {
  const Precision precision = options.precision.value_or(Precision::Fp32);
  check(precision != Precision::Tf32, ErrorCode::Unsupported,
        "device 'cpu' has no tf32; it computes in fp32, or in bf16 where oneDNN has that");
  check(precision != Precision::Bf16 || has_bf16(), ErrorCode::Unsupported,
        "device 'cpu' has no bf16 here: oneDNN ", library_version(), " takes AVX-512 for it and uses ",
        instruction_set(), "; take fp32, or device 'cuda'");
  return std::make_unique<CpuDevice>(precision, !options.record);
}

}  // namespace halfspace::cpu
