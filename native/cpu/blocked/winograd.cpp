// Convolutions that leave no pixel out, by Winograd's minimal filtering. Direct kernels multiply 2 to 6 times
// as often; the transforms cost far less than that as soon as there are a few blocks of channels.
#include "winograd.h"

#include <limits>

#include "kernels.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

Tiling forward_tiling(const BlockedConvolution& c, int64_t tile) {
  return {.tile = tile,
          .batch = c.x.dim(0),
          .H = c.x.dim(2),
          .W = c.x.dim(3),
          .P = c.y.dim(2),
          .Q = c.y.dim(3),
          .top = c.geometry.padding_begin[0],
          .left = c.geometry.padding_begin[1]};
}

// dx is a convolution of dy with the filters turned around.
Tiling backward_tiling(const BlockedConvolution& c, int64_t tile) {
  const Tiling f = forward_tiling(c, tile);
  return {.tile = tile,
          .batch = f.batch,
          .H = f.P,
          .W = f.Q,
          .P = f.H,
          .Q = f.W,
          .top = c.w.dim(2) - 1 - f.top,
          .left = c.w.dim(3) - 1 - f.left};
}

// Transforming a float costs about as much as so many products: of an image with its way into the cache and
// back, of a filter with its way to memory and back.
constexpr int64_t kPixelCost = 8;
constexpr int64_t kFilterCost = 40;

int64_t cost(const Winograd& winograd) {
  const auto& [groups, in, out, positions] = winograd.channels;
  const int64_t tile = in * out + kPixelCost * (in + out);
  return groups * positions * (winograd.tiling.tiles() * tile + kFilterCost * in * out);
}

Winograd forward_with(const BlockedConvolution& c, const MinimalFilter& minimal) {
  const int64_t groups = c.x.dim(1) / c.w.dim(1);
  const Channels channels = {groups, c.w.dim(1), c.w.dim(0) / groups, minimal.positions()};
  return {minimal, forward_tiling(c, minimal.tile), channels};
}

// The cheapest for these filters and images.
const MinimalFilter& choose(const BlockedConvolution& c) {
  const MinimalFilter* best = nullptr;
  int64_t least = std::numeric_limits<int64_t>::max();
  for (const MinimalFilter& minimal : minimal_filters()) {
    if (minimal.taps != c.w.dim(2)) continue;
    const int64_t own = cost(forward_with(c, minimal));
    if (own < least) best = &minimal;
    least = std::min(least, own);
  }
  return *best;
}

Winograd forward(const BlockedConvolution& c) { return forward_with(c, choose(c)); }

Winograd backward(const BlockedConvolution& c) {
  Winograd winograd = forward(c);
  winograd.tiling = backward_tiling(c, winograd.minimal.tile);
  std::swap(winograd.channels.in, winograd.channels.out);
  return winograd;
}

}  // namespace

std::unique_ptr<Kernel> make_winograd(const BlockedConvolution& c) {
  const Winograd winograd = forward(c);
  const int64_t taps = c.w.dim(2) * c.w.dim(3);
  return make_filter(winograd, {taps, winograd.channels.in * taps, taps, false}, c.bias, c.relu);
}

std::unique_ptr<Kernel> make_winograd_backward_data(const BlockedConvolution& c) {
  const Winograd winograd = backward(c);
  const int64_t taps = c.w.dim(2) * c.w.dim(3);
  return make_filter(winograd, {taps, taps, winograd.channels.out * taps, true}, false, false);
}

std::unique_ptr<Kernel> make_winograd_backward_weights(const BlockedConvolution& c) {
  return make_filter_gradient(forward(c), c.bias);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
