#include "device.h"

#include <omp.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "../memory.h"
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
  explicit CpuDevice(bool timed) : timed_(timed) {}

  const KernelEntry* find(const std::string& kernel) const override {
    return find_kernel(kernel, block_);
  }

  int64_t channel_block(int64_t) const override { return block_; }

  DType image_type() const override { return DType::F32; }

  std::unique_ptr<Memory> allocate(size_t bytes) const override {
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
  bool timed_;
  int64_t block_ = best_channel_block();
};

}  // namespace

std::unique_ptr<Device> open(const DeviceOptions& options) {
  check(options.precision.value_or(Precision::Fp32) == Precision::Fp32, ErrorCode::Unsupported,
        "device 'cpu' computes in fp32 only; tf32 and bf16 need device 'cuda'");
  return std::make_unique<CpuDevice>(!options.record);
}

}  // namespace halfspace::cpu
