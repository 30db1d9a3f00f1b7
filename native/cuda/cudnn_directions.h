// The three passes of a convolution under one set of names, so that choosing an algorithm and running it
// are written once. `first` and `second` are the operands that a pass reads, `result` what it writes.
#pragma once

#include <vector>

#include "cudnn_descriptors.h"

namespace halfspace::cuda {

// y from x and w
struct Forward {
  static constexpr const char* name = "forward";
  using Algorithm = cudnnConvolutionFwdAlgo_t;
  using Performance = cudnnConvolutionFwdAlgoPerf_t;
  static constexpr int algorithms = CUDNN_CONVOLUTION_FWD_ALGO_COUNT;

  static cudnnStatus_t find(cudnnHandle_t handle, const CudnnConvolution& c, int most, int* found,
                            Performance* results) {
    return cudnnFindConvolutionForwardAlgorithm(handle, c.x, c.w, c.convolution, c.y, most, found,
                                                results);
  }
  static cudnnStatus_t workspace(cudnnHandle_t handle, const CudnnConvolution& c,
                                 Algorithm algorithm, size_t* bytes) {
    return cudnnGetConvolutionForwardWorkspaceSize(handle, c.x, c.w, c.convolution, c.y, algorithm,
                                                   bytes);
  }
  static cudnnStatus_t run(cudnnHandle_t handle, const CudnnConvolution& c, Algorithm algorithm,
                           const void* x, const void* w, void* y, void* workspace, size_t bytes) {
    const float one = 1, zero = 0;
    return cudnnConvolutionForward(handle, &one, c.x, x, c.w, w, c.convolution, algorithm,
                                   workspace, bytes, &zero, c.y, y);
  }
};

// dx from dy and w
struct BackwardData {
  static constexpr const char* name = "backward_data";
  using Algorithm = cudnnConvolutionBwdDataAlgo_t;
  using Performance = cudnnConvolutionBwdDataAlgoPerf_t;
  static constexpr int algorithms = CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT;

  static cudnnStatus_t find(cudnnHandle_t handle, const CudnnConvolution& c, int most, int* found,
                            Performance* results) {
    return cudnnFindConvolutionBackwardDataAlgorithm(handle, c.w, c.y, c.convolution, c.x, most,
                                                     found, results);
  }
  static cudnnStatus_t workspace(cudnnHandle_t handle, const CudnnConvolution& c,
                                 Algorithm algorithm, size_t* bytes) {
    return cudnnGetConvolutionBackwardDataWorkspaceSize(handle, c.w, c.y, c.convolution, c.x,
                                                        algorithm, bytes);
  }
  static cudnnStatus_t run(cudnnHandle_t handle, const CudnnConvolution& c, Algorithm algorithm,
                           const void* dy, const void* w, void* dx, void* workspace, size_t bytes) {
    const float one = 1, zero = 0;
    return cudnnConvolutionBackwardData(handle, &one, c.w, w, c.y, dy, c.convolution, algorithm,
                                        workspace, bytes, &zero, c.x, dx);
  }
};

// dw from x and dy
struct BackwardFilter {
  static constexpr const char* name = "backward_filter";
  using Algorithm = cudnnConvolutionBwdFilterAlgo_t;
  using Performance = cudnnConvolutionBwdFilterAlgoPerf_t;
  static constexpr int algorithms = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT;

  static cudnnStatus_t find(cudnnHandle_t handle, const CudnnConvolution& c, int most, int* found,
                            Performance* results) {
    return cudnnFindConvolutionBackwardFilterAlgorithm(handle, c.x, c.y, c.convolution, c.w, most,
                                                       found, results);
  }
  static cudnnStatus_t workspace(cudnnHandle_t handle, const CudnnConvolution& c,
                                 Algorithm algorithm, size_t* bytes) {
    return cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, c.x, c.y, c.convolution, c.w,
                                                          algorithm, bytes);
  }
  static cudnnStatus_t run(cudnnHandle_t handle, const CudnnConvolution& c, Algorithm algorithm,
                           const void* x, const void* dy, void* dw, void* workspace, size_t bytes) {
    const float one = 1, zero = 0;
    return cudnnConvolutionBackwardFilter(handle, &one, c.x, x, c.y, dy, c.convolution, algorithm,
                                          workspace, bytes, &zero, c.w, dw);
  }
};

}  // namespace halfspace::cuda
