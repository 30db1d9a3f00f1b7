// Graphs: a capture that has ended, and its launches.
#include <set>

#include "capture.h"
#include "failure.h"
#include "journal.h"
#include "memory.h"

struct CUgraph_st {
  std::shared_ptr<halfspace::emulated::Capture> capture;
};

struct CUgraphExec_st {
  std::shared_ptr<halfspace::emulated::Capture> capture;
  // Of the last launch: launches of one graph do not overlap.
  halfspace::emulated::MarkPointer end;
};

namespace halfspace::emulated {
namespace {

std::set<CUgraph_st*> graphs;
std::set<CUgraphExec_st*> execs;

CUgraph_st& graph_of(cudaGraph_t handle) {
  require(graphs.contains(handle));
  return *handle;
}

CUgraphExec_st& exec_of(cudaGraphExec_t handle) {
  require(execs.contains(handle));
  return *handle;
}

void launch_graph(CUgraphExec_st& exec, CUstream_st& stream) {
  refuse_while_capturing(stream);
  note({"replay", name_of(stream)});
  if (exec.end && !exec.end->reached) stream.wait_for(exec.end);
  exec.capture->replay(stream);
  exec.end = stream.mark_end();
}

}  // namespace

void reset_graphs() {
  for (CUgraph_st* graph : graphs) delete graph;
  for (CUgraphExec_st* exec : execs) delete exec;
  graphs.clear();
  execs.clear();
}

}  // namespace halfspace::emulated

using namespace halfspace::emulated;

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  return call([&] {
    // The default stream cannot be captured.
    require(handle != nullptr, cudaErrorStreamCaptureUnsupported);
    CUstream_st& stream = stream_of(handle);
    require(!stream.capture);
    stream.capture = std::make_shared<Capture>(stream, mode);
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  return call([&] {
    CUstream_st& stream = stream_of(handle);
    require(graph != nullptr && stream.capture);
    *graph = nullptr;
    auto capture = stream.capture;
    capture->end(stream);
    *graph = new CUgraph_st{std::move(capture)};
    graphs.insert(*graph);
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  return call([&] {
    require(status != nullptr);
    *status = stream_of(handle).capture ? cudaStreamCaptureStatusActive
                                        : cudaStreamCaptureStatusNone;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph,
                                 unsigned long long flags) {
  return call([&] {
    require(exec != nullptr && flags == 0);
    *exec = new CUgraphExec_st{graph_of(graph).capture, {}};
    execs.insert(*exec);
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  return call([&] { launch_graph(exec_of(exec), stream_of(stream)); });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t handle) {
  return call([&] {
    CUgraphExec_st& exec = exec_of(handle);
    if (exec.end) {
      const Window window;
      run_until(exec.end);
    }
    execs.erase(&exec);
    delete handle;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t handle) {
  return call([&] {
    graphs.erase(&graph_of(handle));
    delete handle;
  });
}
