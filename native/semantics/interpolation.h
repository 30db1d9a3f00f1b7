// Nearest and linear resizing of rows and columns. Both are separable: per axis a table says which
// two input positions an output position mixes, and how.
//
// An output position o maps to the input coordinate
//   half_pixel      (o + 1/2) scale - 1/2
//   asymmetric      o scale
//   align_corners   o (inputs - 1) / (outputs - 1)
// with scale = inputs / outputs. Nearest takes floor for asymmetric and otherwise the nearest
// position, the lower one of two at equal distance.
#pragma once

#include "../device.h"

namespace halfspace {

// y = (1 - weight) x[low] + weight x[high]
struct Mix {
  int64_t low, high;
  float weight;
};

// The table of one axis, by the attributes `mode` and `coordinates` of the step.
std::vector<Mix> mixes_of(const StepMeta& step, int64_t inputs, int64_t outputs);

}  // namespace halfspace
