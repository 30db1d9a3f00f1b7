#include "graph.h"

#include "capture_gate.h"

namespace halfspace::cuda {
namespace {

// Ends a capture that `steps` broke off; the graph of a broken capture is null.
void discard(cudaStream_t stream) {
  cudaGraph_t graph = nullptr;
  cudaStreamEndCapture(stream, &graph);
  if (graph) cudaGraphDestroy(graph);
  cudaGetLastError();  // the failure that matters is already thrown
}

// Thread-local, as the host's thread allocates and copies meanwhile.
cudaGraph_t captured(cudaStream_t stream, const std::function<void()>& steps) {
  const GateLock alone(capture_gate());
  HALFSPACE_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  try {
    steps();
  } catch (...) {
    discard(stream);
    throw;
  }
  cudaGraph_t graph = nullptr;
  HALFSPACE_CUDA(cudaStreamEndCapture(stream, &graph));
  return graph;
}

}  // namespace

Graph::~Graph() {
  if (executable_) cudaGraphExecDestroy(executable_);
}

void Graph::capture(cudaStream_t stream, const std::function<void()>& steps) {
  cudaGraph_t graph = captured(stream, steps);
  cudaError_t status = cudaGraphInstantiate(&executable_, graph, 0);
  cudaGraphDestroy(graph);
  HALFSPACE_CUDA(status);
}

void Graph::launch(cudaStream_t stream) const {
  HALFSPACE_CUDA(cudaGraphLaunch(executable_, stream));
}

}  // namespace halfspace::cuda
