// The three passes of a convolution under one set of names, so that choosing an algorithm and running it
// are written once. cuDNN's calls take what a pass reads and writes in the same places: `first` and
// `second` are the operands that it reads, `result` what it writes.
#pragma once

#include <optional>
#include <vector>

#include "cudnn_descriptors.h"

namespace halfspace::cuda {

// y from x and w
struct Forward {
  static constexpr const char* name = "forward";
  using Algorithm = cudnnConvolutionFwdAlgo_t;
  using Performance = cudnnConvolutionFwdAlgoPerf_t;
  static constexpr int algorithms = CUDNN_CONVOLUTION_FWD_ALGO_COUNT;
  static constexpr auto first = &CudnnConvolution::x;
  static constexpr auto second = &CudnnConvolution::w;
  static constexpr auto result = &CudnnConvolution::y;
  static constexpr auto find = cudnnFindConvolutionForwardAlgorithm;
  static constexpr auto workspace = cudnnGetConvolutionForwardWorkspaceSize;
  static constexpr auto run = cudnnConvolutionForward;
};

// dx from w and dy
struct BackwardData {
  static constexpr const char* name = "backward_data";
  using Algorithm = cudnnConvolutionBwdDataAlgo_t;
  using Performance = cudnnConvolutionBwdDataAlgoPerf_t;
  static constexpr int algorithms = CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT;
  static constexpr auto first = &CudnnConvolution::w;
  static constexpr auto second = &CudnnConvolution::y;
  static constexpr auto result = &CudnnConvolution::x;
  static constexpr auto find = cudnnFindConvolutionBackwardDataAlgorithm;
  static constexpr auto workspace = cudnnGetConvolutionBackwardDataWorkspaceSize;
  static constexpr auto run = cudnnConvolutionBackwardData;
};

// dw from x and dy
struct BackwardFilter {
  static constexpr const char* name = "backward_filter";
  using Algorithm = cudnnConvolutionBwdFilterAlgo_t;
  using Performance = cudnnConvolutionBwdFilterAlgoPerf_t;
  static constexpr int algorithms = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT;
  static constexpr auto first = &CudnnConvolution::x;
  static constexpr auto second = &CudnnConvolution::y;
  static constexpr auto result = &CudnnConvolution::w;
  static constexpr auto find = cudnnFindConvolutionBackwardFilterAlgorithm;
  static constexpr auto workspace = cudnnGetConvolutionBackwardFilterWorkspaceSize;
  static constexpr auto run = cudnnConvolutionBackwardFilter;
};

// Whether the library does not do this at all, for one reason or another.
inline bool is_unsupported(cudnnStatus_t status) {
  constexpr int kCategory = 1000;
  return status / kCategory == CUDNN_STATUS_NOT_SUPPORTED / kCategory;
}

// Runs all algorithms; the fastest comes first.
template <class Direction>
std::vector<typename Direction::Performance> find_algorithms(cudnnHandle_t handle,
                                                             const CudnnConvolution& c) {
  // Each may be listed once for every type of arithmetic.
  std::vector<typename Direction::Performance> results(4 * Direction::algorithms);
  int found = 0;
  const cudnnStatus_t status =
      Direction::find(handle, c.*Direction::first, c.*Direction::second, c.convolution,
                      c.*Direction::result, static_cast<int>(results.size()), &found, results.data());
  if (is_unsupported(status)) return {};
  check_call(status, CUDNN_STATUS_SUCCESS, Direction::name);
  results.resize(static_cast<size_t>(found));
  return results;
}

// Bytes that an algorithm needs beside its operands; none where it does not take this convolution.
template <class Direction>
std::optional<size_t> workspace_bytes(cudnnHandle_t handle, const CudnnConvolution& c,
                                      typename Direction::Algorithm algorithm) {
  size_t bytes = 0;
  cudnnStatus_t status =
      Direction::workspace(handle, c.*Direction::first, c.*Direction::second, c.convolution,
                           c.*Direction::result, algorithm, &bytes);
  if (status != CUDNN_STATUS_SUCCESS) return std::nullopt;
  return bytes;
}

template <class Direction>
void run_convolution(cudnnHandle_t handle, const CudnnConvolution& c,
                     typename Direction::Algorithm algorithm, const void* first,
                     const void* second, void* result, void* workspace, size_t bytes) {
  const float one = 1, zero = 0;
  HALFSPACE_CUDNN(Direction::run(handle, &one, c.*Direction::first, first, c.*Direction::second,
                                 second, c.convolution, algorithm, workspace, bytes, &zero,
                                 c.*Direction::result, result));
}

}  // namespace halfspace::cuda
