// The inner loops of 3x3 convolutions by Winograd's minimal filtering F(2x2, 3x3): patches of 4x4 pixels and
// filters are transformed so that 16 products give 4 outputs, where the sum over taps takes 36 (Lavin and
// Gray, "Fast Algorithms for Convolutional Neural Networks", 2016). The 16 are called positions here.
// Compiled for several instruction sets; no threads and no checks here.
#pragma once

#include <cstdint>

#include "block.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

inline constexpr int64_t kPositions = 16;
inline constexpr int64_t kTaps = 9;
// Pixels of one axis that a tile gives, and that neighbouring patches are apart.
inline constexpr int64_t kTile = 2;
// Tiles that are multiplied at once; runs of tiles are padded to a multiple.
inline constexpr int64_t kTogether = 6;

// Tiles side by side in a plane [H][W][kBlock]: the first has its corner at (h, w), `count` follow each other.
// What lies outside the plane reads as zero and is not written.
struct TileRow {
  int64_t H, W;
  int64_t h, w;
  int64_t count;
};

// Blocks of outputs that share what is read of the inputs, at most.
inline constexpr int64_t kOutputs = 2;

// Values of tiles at all positions: tile t at position p has its block at data[p * stride + t * kBlock].
template <class Float>
struct Positions {
  Float* data;
  int64_t stride;
};

// v = B' x B of 4x4 patches.
void transform_patches(const TileRow& row, const float* x, Positions<float> v);

// y = A' m A + bias, 2x2 pixels a tile, with negative values cut off where `relu`. `bias` has kBlock floats.
void transform_outputs(const TileRow& row, Positions<const float> m, const float* bias, bool relu,
                       float* y);

// m = A dy A', which is what transform_outputs does to gradients.
void transform_gradients(const TileRow& row, const float* dy, Positions<float> m);

// u = G w G' for one input channel and a block of outputs: w [kTaps][kBlock].
void transform_filter(const float* w, Positions<float> u);

// dw = G' du G, which is what transform_filter does to gradients.
void transform_filter_gradient(Positions<const float> u, float* dw);

// One position of a run of tiles, and of filters: v [inputs][tiles][kBlock], u [outputs][inputs * kBlock][kBlock],
// m [outputs][tiles][kBlock], where inputs and outputs are blocks. All positions of a block lie together, so
// the next block is kPositions planes away: of `plane` floats for tiles, of `filters` floats for filters.
struct TileProduct {
  int64_t inputs, outputs, tiles;
  int64_t plane, filters;
};

// m = u v, where tiles is a multiple of kTogether.
void multiply_tiles(const TileProduct& size, const float* v, const float* u, float* m);

// du += m v', where outputs is at most kOutputs: more are slower than one pair after the other.
void correlate_tiles(const TileProduct& size, const float* v, const float* m, float* du);

}  // namespace halfspace::cpu::HALFSPACE_WIDE
