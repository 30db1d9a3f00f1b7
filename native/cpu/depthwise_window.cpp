#include "depthwise_window.h"

#include <algorithm>
#include <numeric>

namespace halfspace::cpu {
namespace {

Axis forward_axis(const BlockedConvolution& c, size_t axis) {
  return {.inputs = c.x.dim(2 + axis),
          .outputs = c.y.dim(2 + axis),
          .taps = c.w.dim(2 + axis),
          .stride = c.geometry.strides[axis],
          .dilation = c.geometry.dilations[axis] + 1,
          .before = c.geometry.padding_begin[axis]};
}

// The taps first, first + step, ... that land on inputs of one residue.
struct Residue {
  int64_t first, step;
  Axis axis;
};

// Input h is read by tap i of the output (h + before - i * dilation) / stride, where that is whole.
Residue residue_of(const Axis& forward, int64_t start) {
  const int64_t common = std::gcd(forward.stride, forward.dilation);
  const int64_t step = forward.stride / common;
  const auto distance = [&](int64_t tap) { return start + forward.before - tap * forward.dilation; };
  int64_t first = 0;
  while (first < step && distance(first) % forward.stride != 0) ++first;
  const bool none = first == step || first >= forward.taps;
  const int64_t taps = none ? 0 : (forward.taps - 1 - first) / step + 1;
  const int64_t dilation = forward.dilation / common;
  return {first, step,
          {.inputs = forward.outputs,
           .outputs = (forward.inputs - start + forward.stride - 1) / forward.stride,
           .taps = taps,
           .stride = 1,
           .dilation = dilation,
           .before = none ? 0 : (taps - 1) * dilation - distance(first) / forward.stride}};
}

// The taps of both residues, last first.
std::vector<int64_t> turned(const Residue& h, const Residue& w, int64_t columns) {
  std::vector<int64_t> sources;
  for (int64_t i = h.axis.taps; i-- > 0;) {
    for (int64_t j = w.axis.taps; j-- > 0;) {
      sources.push_back((h.first + i * h.step) * columns + w.first + j * w.step);
    }
  }
  return sources;
}

}  // namespace

Phase forward_phase(const BlockedConvolution& c) {
  const Axis h = forward_axis(c, 0), w = forward_axis(c, 1);
  std::vector<int64_t> sources(h.taps * w.taps);
  std::iota(sources.begin(), sources.end(), 0);
  return {{h, w}, sources, 0, 0, 1, 1};
}

std::vector<Phase> backward_phases(const BlockedConvolution& c) {
  const Axis h = forward_axis(c, 0), w = forward_axis(c, 1);
  std::vector<Phase> phases;
  for (int64_t top = 0; top < std::min(h.stride, h.inputs); ++top) {
    for (int64_t left = 0; left < std::min(w.stride, w.inputs); ++left) {
      const Residue rows = residue_of(h, top), columns = residue_of(w, left);
      phases.push_back({{rows.axis, columns.axis}, turned(rows, columns, w.taps), top, left, h.stride, w.stride});
    }
  }
  return phases;
}

}  // namespace halfspace::cpu
