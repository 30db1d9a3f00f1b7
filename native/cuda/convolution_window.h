// What our own convolutions are cut into.
#pragma once

#include "../semantics/convolution.h"
#include "lines.cuh"
#include "window.h"

namespace halfspace::cuda {

inline Window window_of(const StepMeta& step, const ConvolutionShape& s) {
  constexpr int64_t kMost = 1 << 20;
  const auto number = [&](int64_t value) {
    step.expect(value < kMost, "window of ", value);
    return static_cast<int>(value);
  };
  return {.N = s.n,
          .C = s.c,
          .H = s.h,
          .W = s.w,
          .P = s.p,
          .Q = s.q,
          .kh = number(s.r),
          .kw = number(s.s),
          .stride_h = number(s.strides[0]),
          .stride_w = number(s.strides[1]),
          .dilation_h = number(s.dilations[0]),
          .dilation_w = number(s.dilations[1]),
          .top = number(s.padding_begin[0]),
          .left = number(s.padding_begin[1])};
}

// Lines of an image, with what one thread does of each `per_line` channels.
inline Lines lines_of(const StepMeta& step, int64_t lines, int64_t per_line) {
  step.expect(per_line < (int64_t{1} << 30), "lines of ", per_line, " are too long");
  return {lines, static_cast<int>(per_line)};
}

// What a result is besides the sum of its products.
struct Ending {
  const float* bias;  // one a channel, or null
  bool relu;

  __device__ float start(int64_t channel) const { return bias ? bias[channel] : 0.0f; }
  __device__ float finish(float sum) const { return relu && sum < 0.0f ? 0.0f : sum; }
};

}  // namespace halfspace::cuda
