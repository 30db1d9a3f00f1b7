// The inner loops of convolutions by Winograd's minimal filtering F(tile x tile, taps x taps): patches of
// tile + taps - 1 pixels a side and filters are transformed so that one product for each of these positions
// gives tile x tile outputs. Compiled for several instruction sets; no threads and no checks here.
#pragma once

#include <cstdint>

#include "block.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

// Tiles that are multiplied at once; runs of tiles are padded to a multiple.
inline constexpr int64_t kTogether = 6;

// Blocks of outputs that share what is read of the inputs, at most.
inline constexpr int64_t kOutputs = 2;

// The most taps of a filter here, of both axes.
inline constexpr int64_t kMostTaps = 49;

// The most positions, of both axes.
inline constexpr int64_t kMostPositions = 64;

// Tiles side by side in a plane of H x W blocks, rows and pixels so many floats apart: the first has its corner
// at (h, w), `count` follow each other. What lies outside the plane reads as zero and is not written.
struct TileRow {
  int64_t H, W;
  int64_t row, pixel;
  int64_t h, w;
  int64_t count;
};

// Values of tiles at all positions: tile t at position p has its block at data[p * stride + t * kBlock].
template <class Float>
struct Positions {
  Float* data;
  int64_t stride;
};

// One choice of sizes, with the transforms that belong to it.
struct MinimalFilter {
  // Of one axis: pixels that a tile gives, and that neighbouring patches are apart; values of a filter.
  int64_t tile, taps;
  // v = B' x B of patches.
  void (*patches)(const TileRow& row, const float* x, Positions<float> v);
  // y = A' m A + bias, with negative values cut off where `relu`. `bias` has kBlock floats.
  void (*outputs)(const TileRow& row, Positions<const float> m, const float* bias, bool relu, float* y);
  // m = A dy A', which is what `outputs` does to gradients. Pixels lie side by side.
  void (*gradients)(const TileRow& row, const float* dy, Positions<float> m);
  // u = G w G' for one input channel and a block of outputs: w [taps * taps][kBlock].
  void (*filter)(const float* w, Positions<float> u);
  // dw = G' du G, which is what `filter` does to gradients.
  void (*filter_gradient)(Positions<const float> u, float* dw);

  int64_t positions() const { return (tile + taps - 1) * (tile + taps - 1); }
};

// The one of three, four, five or seven taps.
const MinimalFilter& minimal_filter_of(int64_t taps);

// One position of a run of tiles, and of filters: v [inputs][tiles][kBlock], u [outputs][inputs * kBlock][kBlock],
// m [outputs][tiles][kBlock], where inputs and outputs are blocks. All positions of a block lie together, so
// the next block is `positions` planes away: of `plane` floats for tiles, of `filters` floats for filters.
struct TileProduct {
  int64_t positions;
  int64_t inputs, outputs, tiles;
  int64_t plane, filters;
};

// m = u v, where tiles is a multiple of kTogether.
void multiply_tiles(const TileProduct& size, const float* v, const float* u, float* m);

// du = m v', or du += m v' where `add`. `outputs` is at most kOutputs: more are slower than one pair after the
// other.
void correlate_tiles(const TileProduct& size, const float* v, const float* m, bool add, float* du);

}  // namespace halfspace::cpu::HALFSPACE_WIDE
