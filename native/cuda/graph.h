// A CUDA graph: launches that were captured once and are replayed with one call. The addresses they work
// on are those of the capture.
#pragma once

#include <functional>

#include "check.h"

namespace halfspace::cuda {

class Graph {
 public:
  Graph() = default;
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  explicit operator bool() const { return executable_ != nullptr; }
  // Captures what `steps` launches on `stream`, without running it. When `steps` throws, so does this,
  // and there is no graph.
  void capture(cudaStream_t stream, const std::function<void()>& steps);
  void launch(cudaStream_t stream) const;

 private:
  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace halfspace::cuda
