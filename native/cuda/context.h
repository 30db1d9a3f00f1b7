// What all kernels of one session share on its device: the stream that they run on, the handles of the
// libraries, and the facts that launches are sized by. A context belongs to the thread that entered it.
//
// The convention for kernels: `kernels.h` declares one factory a kernel name, `make_x(const StepMeta&)`;
// it checks the step and returns a class derived from CudaKernel, whose `run` only launches on
// `stream()`, never waits, allocates nothing and touches no host memory of its arguments, so that it can
// be captured in a graph. `registry.cpp` is the table over them. Images are NHWC.
#pragma once

#include "../device.h"
#include "algorithm_cache.h"
#include "launch.h"

namespace halfspace::cuda {

class Context : public std::enable_shared_from_this<Context> {
 public:
  // Opens the device of that ordinal, which must exist and be supported.
  Context(int ordinal, Precision precision);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // The context that this thread has entered; an internal error where it has entered none.
  static Context& current();
  // Makes this the calling thread's context, for making and running kernels.
  void enter();
  // Makes the device the calling thread's, for memory and copies alone.
  void select() const;

  int ordinal() const { return ordinal_; }
  Precision precision() const { return precision_; }
  // Of the elements of images.
  DType image_type() const { return precision_ == Precision::Bf16 ? DType::BF16 : DType::F32; }
  // Kernels run here, in order.
  cudaStream_t stream() const { return stream_; }
  // Inputs of the next run travel here while this one works.
  cudaStream_t copy_stream() const { return copy_stream_; }
  cudnnHandle_t cudnn() const { return cudnn_; }
  cublasHandle_t cublas() const { return cublas_; }
  int multiprocessors() const { return multiprocessors_; }
  // Of the compute capability, the number before the point.
  int generation() const { return generation_; }
  // Name and compute capability.
  const std::string& device_text() const { return device_text_; }
  AlgorithmCache& algorithms() { return algorithms_; }
  const AlgorithmCache& algorithms() const { return algorithms_; }

  // A grid-stride launch over `items`, each of which one thread does at a time.
  Grid cover(int64_t items, int threads = kThreads) const {
    int64_t most = static_cast<int64_t>(multiprocessors_) * kBlocksPerMultiprocessor;
    int64_t blocks = std::clamp<int64_t>(ceil_div(items, threads), 1, most);
    return {dim3(static_cast<unsigned>(blocks)), dim3(static_cast<unsigned>(threads))};
  }

 private:
  void open();
  void close();

  int ordinal_;
  Precision precision_;
  int multiprocessors_ = 0;
  int generation_ = 0;
  std::string device_text_;
  AlgorithmCache algorithms_{algorithm_cache_path()};
  cudaStream_t stream_ = nullptr;
  cudaStream_t copy_stream_ = nullptr;
  cudnnHandle_t cudnn_ = nullptr;
  cublasHandle_t cublas_ = nullptr;
};

// A kernel that was made in a context and runs on its stream.
class CudaKernel : public Kernel {
 protected:
  CudaKernel() : context_(Context::current()) {}

  cudaStream_t stream() const { return context_.stream(); }

  Context& context_;
};

}  // namespace halfspace::cuda
