// What a pooling operator is, read from its step and checked: x [N,C,H,W], y [N,C,P,Q].
#pragma once

#include <array>

#include "../device.h"

namespace halfspace {

// Of the rows and of the columns; a dilation of 1 leaves no gaps.
struct PoolingShape {
  std::array<int64_t, 2> kernel, strides, dilations, before, after;
};

// Throws ErrorCode::Shape for operands or attributes that do not fit.
PoolingShape read_pooling(const StepMeta& step, const TensorMeta& x, const TensorMeta& y);

// For each output of an axis, one over the number of its taps inside the image, or inside the
// padded image.
std::vector<float> tap_shares(const PoolingShape& shape, size_t axis, int64_t inputs,
                              int64_t outputs, bool padded);

}  // namespace halfspace
