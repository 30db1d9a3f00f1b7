#include "context.h"

#include "capture_gate.h"

namespace halfspace::cuda {
namespace {

thread_local Context* entered = nullptr;

}  // namespace

Context::Context(int ordinal, Precision precision) : ordinal_(ordinal), precision_(precision) {
  select();
  try {
    open();
  } catch (...) {
    close();
    throw;
  }
}

Context::~Context() {
  cudaSetDevice(ordinal_);
  close();
}

void Context::open() {
  cudaDeviceProp device;
  HALFSPACE_CUDA(cudaGetDeviceProperties(&device, ordinal_));
  multiprocessors_ = device.multiProcessorCount;
  generation_ = device.major;
  device_text_ = std::string(device.name) + " " + std::to_string(device.major) + "." +
                 std::to_string(device.minor);
  HALFSPACE_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  HALFSPACE_CUDA(cudaStreamCreateWithFlags(&copy_stream_, cudaStreamNonBlocking));
  // The libraries allocate memory for themselves.
  const GateLock alone(capture_gate());
  HALFSPACE_CUDNN(cudnnCreate(&cudnn_));
  HALFSPACE_CUDNN(cudnnSetStream(cudnn_, stream_));
  HALFSPACE_CUBLAS(cublasCreate(&cublas_));
  HALFSPACE_CUBLAS(cublasSetStream(cublas_, stream_));
}

// Nobody could do anything about a failure here.
void Context::close() {
  const GateLock alone(capture_gate());
  if (cublas_) cublasDestroy(cublas_);
  if (cudnn_) cudnnDestroy(cudnn_);
  if (copy_stream_) cudaStreamDestroy(copy_stream_);
  if (stream_) cudaStreamDestroy(stream_);
}

Context& Context::current() {
  check(entered != nullptr, ErrorCode::Internal,
        "internal: a kernel is made on a thread that has entered no CUDA device");
  return *entered;
}

void Context::enter() {
  select();
  entered = this;
}

void Context::select() const { HALFSPACE_CUDA(cudaSetDevice(ordinal_)); }

}  // namespace halfspace::cuda
