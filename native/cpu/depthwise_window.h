// How the filters of depthwise convolutions walk over images, and which parts of an image they make one
// after another. No arithmetic here: that is depthwise_loops.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "blocked_convolution.h"

namespace halfspace::cpu {

// Those from `begin` on, up to but without `end`.
struct Range {
  int64_t begin, end;
};

// One spatial axis: tap i of output p reads input p * stride + i * dilation - before, or zero where there is
// none.
struct Axis {
  int64_t inputs, outputs;
  int64_t taps;
  int64_t stride, dilation;
  int64_t before;

  // The input that the first tap of output `p` reads, if there is one.
  int64_t first(int64_t p) const { return p * stride - before; }

  // Inputs that so many outputs read, from the first to the last.
  int64_t reach(int64_t count) const {
    return taps == 0 ? 0 : (count - 1) * stride + (taps - 1) * dilation + 1;
  }

  // The taps of output `p` that read an input.
  Range inside(int64_t p) const {
    const int64_t begin = std::min(taps, ceil_div(std::max<int64_t>(0, -first(p)), dilation));
    const int64_t end = ceil_div(std::max<int64_t>(0, inputs - first(p)), dilation);
    return {begin, std::clamp(end, begin, taps)};
  }

  // The outputs of which each, with those behind it that make it `count`, reads only inputs that exist.
  Range surrounded(int64_t count) const {
    const int64_t begin = ceil_div(std::max<int64_t>(0, before), stride);
    const int64_t room = inputs + before - reach(count);
    return {begin, room < 0 ? begin : room / stride + 1};
  }
};

// A filter that passes over planes of h.inputs rows of w.inputs pixels and makes h.outputs rows of w.outputs.
struct Window {
  Axis h, w;
};

// Outputs that one filter makes: every `step_h`-th row from `first_h`, every `step_w`-th column from `first_w`.
struct Phase {
  Window window;
  // For each tap of this filter, row by row, the tap of the convolution's filter that it is.
  std::vector<int64_t> sources;
  int64_t first_h, first_w;
  int64_t step_h, step_w;
};

// y from x: one phase.
Phase forward_phase(const BlockedConvolution& convolution);

// dx from dy, without empty phases. A row of dx meets only those taps that land on it, which depends on its
// residue modulo the stride; for each residue dx is a convolution with stride 1 by those taps, turned around.
std::vector<Phase> backward_phases(const BlockedConvolution& convolution);

}  // namespace halfspace::cpu
