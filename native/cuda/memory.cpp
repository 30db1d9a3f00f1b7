#include "memory.h"

#include "capture_gate.h"

namespace halfspace::cuda {
namespace {

// One byte at least, as an empty arena still has an address.
size_t at_least_one(size_t bytes) { return std::max<size_t>(bytes, 1); }

}  // namespace

void out_of_memory(size_t bytes) {
  size_t free = 0, total = 0;
  HALFSPACE_CUDA(cudaMemGetInfo(&free, &total));
  fail(ErrorCode::OutOfMemory, "the GPU has no ", bytes, " bytes left: ", free, " of ", total,
       " are free; a smaller batch needs less");
}

void* allocate_on_device(size_t bytes) {
  void* data = nullptr;
  cudaError_t status = cudaMalloc(&data, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // the failure is dealt with here
    out_of_memory(bytes);
  }
  HALFSPACE_CUDA(status);
  return data;
}

DeviceMemory::DeviceMemory(std::shared_ptr<const Context> context, size_t bytes, Contents contents)
    : context_(std::move(context)), bytes_(at_least_one(bytes)) {
  context_->select();
  data_ = allocate_on_device(bytes_);
  if (contents == Contents::Arbitrary) return;
  try {
    HALFSPACE_CUDA(cudaMemsetAsync(data_, 0, bytes_, context_->copy_stream()));
    HALFSPACE_CUDA(cudaStreamSynchronize(context_->copy_stream()));
  } catch (...) {
    const GateLock alone(capture_gate());
    cudaFree(data_);
    throw;
  }
}

DeviceMemory::~DeviceMemory() {
  const GateLock alone(capture_gate());
  cudaFree(data_);
}

void DeviceMemory::read(size_t offset, void* to, size_t bytes) const {
  copy(to, static_cast<const char*>(data_) + offset, bytes, cudaMemcpyDeviceToHost);
}

void DeviceMemory::write(size_t offset, const void* from, size_t bytes) {
  copy(static_cast<char*>(data_) + offset, from, bytes, cudaMemcpyHostToDevice);
}

// Returns when the last bytes have landed: the kernels' stream does not wait for this one.
void DeviceMemory::copy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) const {
  if (bytes == 0) return;
  context_->select();
  HALFSPACE_CUDA(cudaMemcpyAsync(to, from, bytes, kind, context_->copy_stream()));
  HALFSPACE_CUDA(cudaStreamSynchronize(context_->copy_stream()));
}

// Selected first, or the runtime would open the first GPU for it, whichever one is used.
PinnedMemory::PinnedMemory(const Context& context, size_t bytes) {
  context.select();
  cudaError_t status = cudaHostAlloc(&data_, at_least_one(bytes), cudaHostAllocPortable);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // the failure is dealt with here
    fail(ErrorCode::OutOfMemory, "this machine cannot lock ", bytes,
         " bytes of its memory, through which a GPU gets its inputs; a smaller batch needs less");
  }
  HALFSPACE_CUDA(status);
}

PinnedMemory::~PinnedMemory() {
  const GateLock alone(capture_gate());
  cudaFreeHost(data_);
}

}  // namespace halfspace::cuda
