// What a convolution is, read from its step and checked: x [N,C,H,W], w [K,C/groups,R,S], y [N,K,P,Q].
#pragma once

#include <array>

#include "../device.h"

namespace halfspace {

struct ConvolutionShape {
  int64_t n, c, h, w;
  int64_t k, r, s;
  int64_t p, q;
  int64_t groups;
  // Of the two spatial axes; a dilation of 1 leaves no gaps.
  std::array<int64_t, 2> strides, dilations, padding_begin, padding_end;

  // One filter a channel.
  bool is_depthwise() const { return groups == c && groups == k; }
};

// The forward convolution that a step belongs to, whichever of its operands the step computes. `b` may
// be null. Throws ErrorCode::Shape for operands or attributes that do not fit.
ConvolutionShape read_convolution(const StepMeta& step, const TensorMeta& x, const TensorMeta& w,
                                  const TensorMeta& y, const TensorMeta* b);

// Size along one axis that a convolution gives.
int64_t convolved_size(int64_t input, int64_t kernel, int64_t stride, int64_t dilation,
                       int64_t padding);

}  // namespace halfspace
