// cuDNN's convolutions: the algorithms there are, what workspace they need, and running them.
#include <algorithm>
#include <array>
#include <limits>

#include "capture.h"
#include "chance.h"
#include "convolution.h"
#include "cudnn_types.h"
#include "journal.h"
#include "options.h"

namespace halfspace::emulated {
namespace {

// The three tensors of a convolution, whichever of them is the result.
struct Problem {
  cudnnTensorStruct x;
  cudnnTensorStruct w;
  cudnnTensorStruct y;
  cudnnConvolutionStruct convolution;
};

int output_extent(int in, int pad, int filter, int dilation, int stride) {
  return (in + 2 * pad - (dilation * (filter - 1) + 1)) / stride + 1;
}

Problem problem_of(cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                   cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t y) {
  require_cudnn(w && convolution, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  require_set(x);
  require_set(&w->tensor);
  require_set(y);
  require_cudnn(convolution->stride_h > 0);
  const cudnnTensorStruct& filter = w->tensor;
  require_cudnn(x->type == y->type && x->type == filter.type, CUDNN_STATUS_NOT_SUPPORTED);
  require_cudnn(x->format == y->format && x->format == filter.format, CUDNN_STATUS_NOT_SUPPORTED);
  int groups = convolution->groups;
  bool fits = x->c == filter.c * groups && filter.n % groups == 0 && y->c == filter.n &&
              y->n == x->n &&
              y->h == output_extent(x->h, convolution->pad_h, filter.h, convolution->dilation_h,
                                    convolution->stride_h) &&
              y->w == output_extent(x->w, convolution->pad_w, filter.w, convolution->dilation_w,
                                    convolution->stride_w);
  require_cudnn(fits, CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  return {*x, filter, *y, *convolution};
}

ConvolutionShape shape_of(const Problem& p) {
  const cudnnConvolutionStruct& c = p.convolution;
  return {.n = p.x.n, .h = p.x.h, .w = p.x.w, .c = p.x.c,
          .k = p.w.n, .r = p.w.h, .s = p.w.w,
          .out_h = p.y.h, .out_w = p.y.w,
          .pad_h = c.pad_h, .pad_w = c.pad_w,
          .stride_h = c.stride_h, .stride_w = c.stride_w,
          .dilation_h = c.dilation_h, .dilation_w = c.dilation_w,
          .groups = c.groups};
}

// An algorithm that the search reports. The fastest has the largest workspace and, for gradients, no
// fixed order, so that a choice shows whether it minds.
struct Algorithm {
  int id;
  bool supported;
  bool deterministic;
  float relative_time;
  // Of workspace, for every byte of the image.
  size_t workspace_factor;
};

constexpr std::array kForward{
    Algorithm{CUDNN_CONVOLUTION_FWD_ALGO_GEMM, true, true, 1.0f, 4},
    Algorithm{CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, true, true, 1.5f, 1},
    Algorithm{CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, true, true, 4.0f, 0},
    Algorithm{CUDNN_CONVOLUTION_FWD_ALGO_DIRECT, false, true, 0, 0},
    Algorithm{CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, false, true, 0, 0},
};
constexpr std::array kBackwardData{
    Algorithm{CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, true, false, 1.0f, 2},
    Algorithm{CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, true, true, 1.2f, 1},
    Algorithm{CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT, false, true, 0, 0},
};
constexpr std::array kBackwardFilter{
    Algorithm{CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, true, false, 1.0f, 0},
    Algorithm{CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3, true, false, 1.1f, 4},
    Algorithm{CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, true, true, 1.3f, 2},
    Algorithm{CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, false, true, 0, 0},
};

template <size_t N>
const Algorithm& find(const std::array<Algorithm, N>& all, int id) {
  auto found = std::find_if(all.begin(), all.end(), [&](const Algorithm& a) { return a.id == id; });
  require_cudnn(found != all.end() && found->supported, CUDNN_STATUS_NOT_SUPPORTED);
  return *found;
}

size_t workspace_bytes(const Algorithm& algorithm, const Problem& problem) {
  return algorithm.workspace_factor * problem.x.bytes();
}

// Milliseconds at a rate of no machine.
float time_of(const Algorithm& algorithm, const Problem& problem) {
  double macs = double(problem.y.count()) * problem.w.c * problem.w.h * problem.w.w;
  return static_cast<float>(algorithm.relative_time * macs * 1e-9);
}

cudnnStatus_t status_of(const Algorithm& algorithm) {
  if (!algorithm.supported) return CUDNN_STATUS_NOT_SUPPORTED;
  const bool fits = options().offer != Offer::NoMemory;
  return fits ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
}

template <class Result>
Result result_of(const Algorithm& algorithm, const Problem& problem, cudnnMathType_t math) {
  const bool repeats = algorithm.deterministic && options().offer != Offer::NoneRepeatable;
  Result result = {};
  result.algo = static_cast<decltype(result.algo)>(algorithm.id);
  result.status = status_of(algorithm);
  result.time = algorithm.supported ? time_of(algorithm, problem) : -1;
  result.memory = algorithm.supported ? workspace_bytes(algorithm, problem) : 0;
  result.determinism = repeats ? CUDNN_DETERMINISTIC : CUDNN_NON_DETERMINISTIC;
  result.mathType = math;
  return result;
}

// As the library does, in CUDNN_DEFAULT_MATH too where another one was asked for; that is the faster one.
std::vector<cudnnMathType_t> tried_math(const Problem& problem) {
  if (problem.convolution.math == CUDNN_DEFAULT_MATH) return {CUDNN_DEFAULT_MATH};
  return {CUDNN_DEFAULT_MATH, problem.convolution.math};
}

template <size_t N, class Result>
void search(const std::array<Algorithm, N>& all, const Problem& problem, int requested,
            int* returned, Result* results) {
  require_cudnn(returned && results, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  require_cudnn(requested > 0);
  // A search runs and times the algorithms on memory of its own.
  refuse_unsafe_call();
  note({"search"});
  require_cudnn(options().offer != Offer::None, CUDNN_STATUS_NOT_SUPPORTED);
  *returned = 0;
  for (cudnnMathType_t math : tried_math(problem)) {
    for (const Algorithm& algorithm : all) {
      if (*returned == requested) return;
      results[(*returned)++] = result_of<Result>(algorithm, problem, math);
    }
  }
}

struct Workspace {
  void* data;
  size_t bytes;
};

// What the algorithm needs of the workspace that was given.
Workspace workspace_for(const Algorithm& algorithm, const Problem& problem, void* data,
                        size_t bytes) {
  size_t needed = workspace_bytes(algorithm, problem);
  require_cudnn(bytes >= needed, CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
  require_cudnn(data || needed == 0, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  return {data, needed};
}

// Asked for tensor cores by name, cuDNN has been seen to make NaN of bf16.
Floats load_rounded(const Problem& problem, const cudnnTensorStruct& tensor, const void* data) {
  if (tensor.type == CUDNN_DATA_BFLOAT16 && problem.convolution.math == CUDNN_TENSOR_OP_MATH) {
    return Floats(tensor.count(), std::numeric_limits<float>::quiet_NaN());
  }
  Floats values = load_nhwc(tensor, data);
  bool tf32 = tensor.type == CUDNN_DATA_FLOAT && problem.convolution.math != CUDNN_FMA_MATH;
  if (tf32) std::transform(values.begin(), values.end(), values.begin(), tf32_of_float);
  return values;
}

// One run: checks the operands and uses up the workspace, then computes.
struct Run {
  const char* name;
  Problem problem;
  Workspace workspace;
  Scaling scaling;

  void check(std::vector<Operand> operands, const Operand& result) const {
    if (scaling.beta != 0) {
      operands.push_back({Access::Read, result.data, result.bytes, result.name});
    }
    operands.push_back(result);
    operands.push_back({Access::Write, workspace.data, workspace.bytes, "workspace"});
    touch_operands(name, operands);
    auto* floats = static_cast<float*>(workspace.data);
    std::fill(floats, floats + workspace.bytes / 4, std::numeric_limits<float>::quiet_NaN());
  }
};

}  // namespace
}  // namespace halfspace::emulated

using namespace halfspace::emulated;

cudnnStatus_t cudnnFindConvolutionForwardAlgorithm(
    cudnnHandle_t, const cudnnTensorDescriptor_t x, const cudnnFilterDescriptor_t w,
    const cudnnConvolutionDescriptor_t convolution, const cudnnTensorDescriptor_t y,
    const int requested, int* returned, cudnnConvolutionFwdAlgoPerf_t* results) {
  return cudnn_call(
      [&] { search(kForward, problem_of(x, w, convolution, y), requested, returned, results); });
}

cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithm(
    cudnnHandle_t, const cudnnFilterDescriptor_t w, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t convolution, const cudnnTensorDescriptor_t dx,
    const int requested, int* returned, cudnnConvolutionBwdDataAlgoPerf_t* results) {
  return cudnn_call([&] {
    search(kBackwardData, problem_of(dx, w, convolution, dy), requested, returned, results);
  });
}

cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithm(
    cudnnHandle_t, const cudnnTensorDescriptor_t x, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t convolution, const cudnnFilterDescriptor_t dw,
    const int requested, int* returned, cudnnConvolutionBwdFilterAlgoPerf_t* results) {
  return cudnn_call([&] {
    search(kBackwardFilter, problem_of(x, dw, convolution, dy), requested, returned, results);
  });
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(
    cudnnHandle_t, const cudnnTensorDescriptor_t x, const cudnnFilterDescriptor_t w,
    const cudnnConvolutionDescriptor_t convolution, const cudnnTensorDescriptor_t y,
    cudnnConvolutionFwdAlgo_t algorithm, size_t* bytes) {
  return cudnn_call([&] {
    require_cudnn(bytes != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    *bytes = workspace_bytes(find(kForward, algorithm), problem_of(x, w, convolution, y));
  });
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(
    cudnnHandle_t, const cudnnFilterDescriptor_t w, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t convolution, const cudnnTensorDescriptor_t dx,
    cudnnConvolutionBwdDataAlgo_t algorithm, size_t* bytes) {
  return cudnn_call([&] {
    require_cudnn(bytes != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    *bytes = workspace_bytes(find(kBackwardData, algorithm), problem_of(dx, w, convolution, dy));
  });
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(
    cudnnHandle_t, const cudnnTensorDescriptor_t x, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t convolution, const cudnnFilterDescriptor_t dw,
    cudnnConvolutionBwdFilterAlgo_t algorithm, size_t* bytes) {
  return cudnn_call([&] {
    require_cudnn(bytes != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    *bytes = workspace_bytes(find(kBackwardFilter, algorithm), problem_of(x, dw, convolution, dy));
  });
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha,
                                      const cudnnTensorDescriptor_t x_descriptor, const void* x,
                                      const cudnnFilterDescriptor_t w_descriptor, const void* w,
                                      const cudnnConvolutionDescriptor_t convolution,
                                      cudnnConvolutionFwdAlgo_t algorithm, void* workspace,
                                      size_t workspace_bytes, const void* beta,
                                      const cudnnTensorDescriptor_t y_descriptor, void* y) {
  return cudnn_call([&] {
    Problem p = problem_of(x_descriptor, w_descriptor, convolution, y_descriptor);
    Workspace space = workspace_for(find(kForward, algorithm), p, workspace, workspace_bytes);
    Run run{"cudnnConvolutionForward", p, space, scaling_of(alpha, beta)};
    enqueue_cudnn(handle, run.name, [=] {
      run.check({reads(p.x, x, "x"), reads(p.w, w, "w")}, writes(p.y, y, "y"));
      Floats result = convolve(shape_of(p), load_rounded(p, p.x, x), load_rounded(p, p.w, w));
      store_nhwc(p.y, y, result, run.scaling);
    });
  });
}

cudnnStatus_t cudnnConvolutionBackwardData(
    cudnnHandle_t handle, const void* alpha, const cudnnFilterDescriptor_t w_descriptor,
    const void* w, const cudnnTensorDescriptor_t dy_descriptor, const void* dy,
    const cudnnConvolutionDescriptor_t convolution, cudnnConvolutionBwdDataAlgo_t algorithm,
    void* workspace, size_t workspace_bytes, const void* beta,
    const cudnnTensorDescriptor_t dx_descriptor, void* dx) {
  return cudnn_call([&] {
    Problem p = problem_of(dx_descriptor, w_descriptor, convolution, dy_descriptor);
    Workspace space = workspace_for(find(kBackwardData, algorithm), p, workspace, workspace_bytes);
    Run run{"cudnnConvolutionBackwardData", p, space, scaling_of(alpha, beta)};
    enqueue_cudnn(handle, run.name, [=] {
      run.check({reads(p.w, w, "w"), reads(p.y, dy, "dy")}, writes(p.x, dx, "dx"));
      Floats result = convolve_backward_data(shape_of(p), load_rounded(p, p.w, w),
                                             load_rounded(p, p.y, dy));
      store_nhwc(p.x, dx, result, run.scaling);
    });
  });
}

cudnnStatus_t cudnnConvolutionBackwardFilter(
    cudnnHandle_t handle, const void* alpha, const cudnnTensorDescriptor_t x_descriptor,
    const void* x, const cudnnTensorDescriptor_t dy_descriptor, const void* dy,
    const cudnnConvolutionDescriptor_t convolution, cudnnConvolutionBwdFilterAlgo_t algorithm,
    void* workspace, size_t workspace_bytes, const void* beta,
    const cudnnFilterDescriptor_t dw_descriptor, void* dw) {
  return cudnn_call([&] {
    Problem p = problem_of(x_descriptor, dw_descriptor, convolution, dy_descriptor);
    const Algorithm& chosen = find(kBackwardFilter, algorithm);
    Workspace space = workspace_for(chosen, p, workspace, workspace_bytes);
    Run run{"cudnnConvolutionBackwardFilter", p, space, scaling_of(alpha, beta)};
    bool ordered = chosen.deterministic;
    enqueue_cudnn(handle, run.name, [=] {
      run.check({reads(p.x, x, "x"), reads(p.y, dy, "dy")}, writes(p.w, dw, "dw"));
      Floats result = convolve_backward_filter(shape_of(p), load_rounded(p, p.x, x),
                                               load_rounded(p, p.y, dy), !ordered && chance(2));
      store_nhwc(p.w, dw, result, run.scaling);
    });
  });
}
