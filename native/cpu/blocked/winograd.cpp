// Convolutions of stride one and two by Winograd's minimal filtering. Direct kernels multiply 2 to 6 times as
// often; the transforms cost far less than that as soon as there are a few blocks of channels.
#include "winograd.h"

#include "kernels.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// Where the taps of a filter meet the phases along one axis: tap i meets pixel p of phase a where
// i = stride (p - reach) + a + padding.
struct Axis {
  int64_t taps, stride, padding;

  // Pixels of a phase before that of an output.
  int64_t reach() const { return ceil_div(padding, stride); }
  // Taps that a phase meets, at most.
  int64_t met() const { return (taps + stride - 1) / stride; }
  // Tap t of a phase in the whole filter, or -1 where it has none.
  int64_t source(int64_t phase, int64_t t) const {
    const int64_t tap = stride * (t - reach()) + phase + padding;
    return tap >= 0 && tap < taps ? tap : -1;
  }
};

Axis axis_of(const BlockedConvolution& c, size_t axis) {
  return {c.w.dim(2 + axis), c.geometry.strides[axis], c.geometry.padding_begin[axis]};
}

// For each phase the taps of both axes that it meets; `turned` for the gradient of the image.
std::vector<std::vector<Tap>> phases(const BlockedConvolution& c, int64_t taps, bool turned) {
  const Axis vertical = axis_of(c, 0), horizontal = axis_of(c, 1);
  std::vector<std::vector<Tap>> result(vertical.stride * vertical.stride);
  for (size_t phase = 0; phase < result.size(); ++phase) {
    for (int64_t tap = 0; tap < taps * taps; ++tap) {
      const int64_t at = turned ? taps * taps - 1 - tap : tap;
      const int64_t i = vertical.source(phase / vertical.stride, at / taps);
      const int64_t j = horizontal.source(phase % vertical.stride, at % taps);
      if (i >= 0 && j >= 0) result[phase].push_back({tap, i * horizontal.taps + j});
    }
  }
  return result;
}

Winograd forward(const BlockedConvolution& c) {
  const int64_t groups = c.x.dim(1) / c.w.dim(1);
  return {.minimal = minimal_filter_of(axis_of(c, 0).met()),
          .batch = c.x.dim(0),
          .groups = groups,
          .in = {c.x.dim(2), c.x.dim(3), c.geometry.strides[0], c.w.dim(1)},
          .out = {c.y.dim(2), c.y.dim(3), 1, c.w.dim(0) / groups},
          .top = axis_of(c, 0).reach(),
          .left = axis_of(c, 1).reach()};
}

// dx is a convolution of dy with the filters turned around, one for each phase.
Winograd backward(const BlockedConvolution& c) {
  Winograd winograd = forward(c);
  std::swap(winograd.in, winograd.out);
  winograd.top = winograd.minimal.taps - 1 - winograd.top;
  winograd.left = winograd.minimal.taps - 1 - winograd.left;
  return winograd;
}

// Filter (k, c) of a plain weight [groups][K][C][taps].
FilterOrder forward_order(const BlockedConvolution& c, const Winograd& winograd) {
  const int64_t taps = c.w.dim(2) * c.w.dim(3);
  const int64_t row = winograd.in.channels * taps;
  return {winograd.out.channels * row, row, taps, phases(c, winograd.minimal.taps, false)};
}

FilterOrder backward_order(const BlockedConvolution& c, const Winograd& winograd) {
  const int64_t taps = c.w.dim(2) * c.w.dim(3);
  const int64_t row = winograd.out.channels * taps;
  return {winograd.in.channels * row, taps, row, phases(c, winograd.minimal.taps, true)};
}

}  // namespace

std::unique_ptr<Kernel> make_winograd(const BlockedConvolution& c) {
  const Winograd winograd = forward(c);
  return make_filter(winograd, forward_order(c, winograd), c.bias, c.relu);
}

std::unique_ptr<Kernel> make_winograd_backward_data(const BlockedConvolution& c) {
  const Winograd winograd = backward(c);
  return make_filter(winograd, backward_order(c, winograd), false, false);
}

std::unique_ptr<Kernel> make_winograd_backward_weights(const BlockedConvolution& c) {
  const Winograd winograd = forward(c);
  return make_filter_gradient(winograd, forward_order(c, winograd), c.bias);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
