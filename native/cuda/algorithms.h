// Which of cuDNN's algorithms a convolution uses: the fastest on this device among those that give the
// same bits every time and fit in memory; none where there is no such. Measured once, then remembered.
#pragma once

#include <algorithm>
#include <sstream>

#include "capture_gate.h"
#include "context.h"
#include "cudnn_directions.h"
#include "memory.h"

namespace halfspace::cuda {

template <class Direction>
struct Algorithm {
  typename Direction::Algorithm algorithm;
  cudnnMathType_t math;
  size_t workspace_bytes;
};

// Most that a workspace may take of the device's free memory, in parts.
inline constexpr size_t kWorkspaceShare = 4;

inline const char* name_of(Precision precision) {
  switch (precision) {
    case Precision::Fp32:
      return "fp32";
    case Precision::Tf32:
      return "tf32";
    case Precision::Bf16:
      return "bf16";
  }
  return "unknown";
}

// All that a choice depends on.
inline std::string algorithm_key(const Context& context, const char* direction,
                                 const ConvolutionShape& c) {
  std::ostringstream key;
  key << context.device_text() << " cudnn " << cudnnGetVersion() << ' '
      << name_of(context.precision()) << ' ' << direction;
  for (int64_t size : {c.n, c.c, c.h, c.w, c.k, c.r, c.s, c.p, c.q, c.groups}) key << ' ' << size;
  for (const auto& pair : {c.strides, c.dilations, c.padding_begin}) {
    key << ' ' << pair[0] << ' ' << pair[1];
  }
  return key.str();
}

// A search tries CUDNN_DEFAULT_MATH, which may round to TF32, whatever its descriptor allows.
inline bool is_precise(const Context& context, cudnnMathType_t math) {
  return context.precision() != Precision::Fp32 || math == CUDNN_FMA_MATH;
}

// The default takes bf16 as it is and makes TF32 of floats. CUDNN_TENSOR_OP_MATH is for fp16: of bf16 it
// has been seen to make NaN.
inline cudnnMathType_t allowed_math(const Context& context) {
  return context.precision() == Precision::Fp32 ? CUDNN_FMA_MATH : CUDNN_DEFAULT_MATH;
}

inline size_t most_workspace() {
  size_t free = 0, total = 0;
  HALFSPACE_CUDA(cudaMemGetInfo(&free, &total));
  return free / kWorkspaceShare;
}

// What is remembered, if this library still takes it and there is as much memory as then.
template <class Direction>
std::optional<Algorithm<Direction>> remembered(const Context& context, const ConvolutionShape& shape,
                                               const std::string& key) {
  auto choice = context.algorithms().find(key);
  if (!choice) return std::nullopt;
  Algorithm<Direction> result{static_cast<typename Direction::Algorithm>(choice->algorithm),
                              static_cast<cudnnMathType_t>(choice->math), 0};
  CudnnConvolution c(shape, context.image_type(), result.math);
  auto bytes = workspace_bytes<Direction>(context.cudnn(), c, result.algorithm);
  if (!bytes || *bytes > most_workspace()) return std::nullopt;
  result.workspace_bytes = *bytes;
  return result;
}

template <class Performances>
size_t least_memory(const Performances& results) {
  return std::min_element(results.begin(), results.end(), [](const auto& a, const auto& b) {
           return a.memory < b.memory;
         })->memory;
}

// A search tries algorithms on operands of its own.
inline size_t operand_bytes(const ConvolutionShape& c, DType type) {
  const int64_t elements = c.n * c.c * c.h * c.w + c.n * c.k * c.p * c.q +
                           c.k * (c.c / c.groups) * c.r * c.s;
  return static_cast<size_t>(elements) * size_of(type);
}

// Takes the fastest that will do, or none.
template <class Direction>
std::optional<Algorithm<Direction>> search(const Context& context, const ConvolutionShape& shape) {
  CudnnConvolution c(shape, context.image_type(), allowed_math(context));
  const GateLock alone(capture_gate());
  auto results = find_algorithms<Direction>(context.cudnn(), c);
  const bool short_of_memory = std::any_of(results.begin(), results.end(), [](const auto& result) {
    return code_of(result.status) == ErrorCode::OutOfMemory;
  });
  std::erase_if(results, [&](const auto& result) {
    return result.status != CUDNN_STATUS_SUCCESS || result.determinism != CUDNN_DETERMINISTIC ||
           !is_precise(context, result.mathType);
  });
  if (results.empty() && short_of_memory) out_of_memory(operand_bytes(shape, context.image_type()));
  if (results.empty()) return std::nullopt;
  const size_t most = most_workspace();
  auto best = std::find_if(results.begin(), results.end(),
                           [&](const auto& result) { return result.memory <= most; });
  if (best == results.end()) out_of_memory(kWorkspaceShare * least_memory(results));
  return Algorithm<Direction>{best->algo, best->mathType, best->memory};
}

// None where cuDNN has no algorithm that repeats.
template <class Direction>
std::optional<Algorithm<Direction>> choose_algorithm(Context& context,
                                                     const ConvolutionShape& shape) {
  std::string key = algorithm_key(context, Direction::name, shape);
  if (context.algorithms().find(key) == kNoAlgorithm) return std::nullopt;
  if (auto known = remembered<Direction>(context, shape, key)) return *known;
  auto best = search<Direction>(context, shape);
  context.algorithms().add(key, best ? AlgorithmChoice{static_cast<int>(best->algorithm),
                                                       static_cast<int>(best->math)}
                                     : kNoAlgorithm);
  return best;
}

}  // namespace halfspace::cuda
