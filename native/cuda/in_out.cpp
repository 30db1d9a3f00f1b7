#include "in_out.h"

namespace halfspace::cuda {

Event::Event(unsigned flags) {
  HALFSPACE_CUDA(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming | flags));
}

Event::~Event() { cudaEventDestroy(event_); }

CudaInOut::CudaInOut(std::shared_ptr<Context> context, size_t input_bytes, size_t output_bytes,
                     bool record)
    : context_(std::move(context)),
      input_bytes_(input_bytes),
      output_bytes_(output_bytes),
      record_(record),
      host_(*context_, input_bytes + output_bytes),
      // One copy fetches the outputs together with what lies between them, which nobody writes.
      device_(context_, input_bytes + output_bytes, Contents::Zero),
      arrived_(0),
      // Whoever waits for the outputs sleeps, as the processor has the next batch to decode.
      fetched_(cudaEventBlockingSync) {}

// Inputs that no run has taken may still be on their way.
CudaInOut::~CudaInOut() { cudaEventSynchronize(arrived_); }

void CudaInOut::send(size_t offset, size_t bytes) {
  if (bytes == 0) return;
  context_->select();
  HALFSPACE_CUDA(cudaMemcpyAsync(device() + offset, host() + offset, bytes, cudaMemcpyHostToDevice,
                                 context_->copy_stream()));
  HALFSPACE_CUDA(cudaEventRecord(arrived_, context_->copy_stream()));
}

void CudaInOut::run(const std::function<void()>& steps) {
  HALFSPACE_CUDA(cudaStreamWaitEvent(context_->stream(), arrived_, 0));
  try {
    launch(steps);
  } catch (...) {
    // What was launched still uses memory that the caller may now touch.
    cudaStreamSynchronize(context_->stream());
    throw;
  }
  fetch();
}

// The first run is launched step by step, since libraries set themselves up in it, which a capture does
// not allow; the second is captured, and all later ones replay that.
void CudaInOut::launch(const std::function<void()>& steps) {
  if (!record_ || !warm_) {
    steps();
    warm_ = true;
    return;
  }
  if (!graph_) graph_.capture(context_->stream(), steps);
  graph_.launch(context_->stream());
}

void CudaInOut::fetch() {
  if (output_bytes_ > 0) {
    HALFSPACE_CUDA(cudaMemcpyAsync(host() + input_bytes_, device() + input_bytes_, output_bytes_,
                                   cudaMemcpyDeviceToHost, context_->stream()));
  }
  HALFSPACE_CUDA(cudaEventRecord(fetched_, context_->stream()));
  HALFSPACE_CUDA(cudaEventSynchronize(fetched_));
}

}  // namespace halfspace::cuda
