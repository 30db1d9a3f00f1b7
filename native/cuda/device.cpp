#include "device.h"

#include "in_out.h"
#include "memory.h"
#include "registry.h"

namespace halfspace::cuda {
namespace {

class CudaDevice final : public Device {
 public:
  CudaDevice(int ordinal, const DeviceOptions& options)
      : context_(std::make_shared<Context>(ordinal, options.precision.value_or(Precision::Tf32))),
        record_(options.record) {}

  const KernelEntry* find(const std::string& kernel) const override {
    for (const KernelEntry& entry : kernels()) {
      if (kernel == entry.name) return &entry;
    }
    return nullptr;
  }

  // One block of all channels: NHWC.
  int64_t channel_block(int64_t channels) const override {
    return std::max<int64_t>(channels, 1);
  }

  DType image_type() const override { return context_->image_type(); }

  std::unique_ptr<Memory> allocate(size_t bytes, Contents contents) const override {
    return std::make_unique<DeviceMemory>(context_, bytes, contents);
  }

  std::unique_ptr<InOut> allocate_in_out(size_t input_bytes, size_t output_bytes) const override {
    return std::make_unique<CudaInOut>(context_, input_bytes, output_bytes, record_);
  }

  bool sends_ahead() const override { return true; }

  void enter_thread(int) const override { context_->enter(); }

  void wait() const override { HALFSPACE_CUDA(cudaStreamSynchronize(context_->stream())); }

 private:
  std::shared_ptr<Context> context_;
  bool record_;
};

}  // namespace

std::unique_ptr<Device> open_device(int ordinal, const DeviceOptions& options) {
  return std::make_unique<CudaDevice>(ordinal, options);
}

}  // namespace halfspace::cuda
