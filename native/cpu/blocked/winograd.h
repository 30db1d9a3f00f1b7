// A convolution by minimal filtering, cut into tiles and transformed channels.
#pragma once

#include <algorithm>
#include <memory>

#include "../device.h"
#include "winograd_tiles.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

// How a batch of images falls into tiles of outputs, numbered image by image and row by row.
struct Tiling {
  int64_t tile;  // pixels a side
  int64_t batch;
  int64_t H, W;  // of what is read
  int64_t P, Q;  // of what is written
  int64_t top, left;

  int64_t rows() const { return ceil_div(P, tile); }
  int64_t columns() const { return ceil_div(Q, tile); }
  int64_t tiles() const { return batch * rows() * columns(); }
};

// Calls body(image, patches, outputs, offset) for each row of tiles among [begin, end): where they read, where
// they write, and how many tiles come before in this run.
template <class Body>
void each_row(const Tiling& tiling, int64_t begin, int64_t end, Body&& body) {
  for (int64_t tile = begin; tile < end;) {
    const int64_t column = tile % tiling.columns();
    const int64_t line = tile / tiling.columns();
    const int64_t h = line % tiling.rows() * tiling.tile;
    const int64_t count = std::min(end - tile, tiling.columns() - column);
    const TileRow outputs = {tiling.P, tiling.Q, h, column * tiling.tile, count};
    const TileRow patches = {tiling.H, tiling.W, h - tiling.top, column * tiling.tile - tiling.left, count};
    body(line / tiling.rows(), patches, outputs, tile - begin);
    tile += count;
  }
}

// Whole runs of tiles.
inline int64_t padded(int64_t tiles) { return ceil_div(tiles, kTogether) * kTogether; }

// What keeps the positions of a block apart: planes of a power of two would all fall on the same few lines
// of the cache.
inline constexpr int64_t kGap = 16;

// Floats of one position of a block: of tiles, of filters.
inline int64_t tile_plane(int64_t tiles) { return tiles * kBlock + kGap; }
inline int64_t filter_plane(int64_t inputs) { return inputs * kBlock * kBlock + kGap; }

// The channels of each group, which are whole blocks where there are several groups. Transformed filters are
// [groups][outputs][positions][filter_plane].
struct Channels {
  int64_t groups;
  int64_t in, out;
  int64_t positions;

  // Blocks of one group.
  int64_t inputs() const { return ceil_div(in, kBlock); }
  int64_t outputs() const { return ceil_div(out, kBlock); }
  int64_t all_inputs() const { return groups * inputs(); }
  int64_t all_outputs() const { return groups * outputs(); }
  // Floats of all transformed filters, and where those of a group begin.
  int64_t filters() const { return filters_before(groups); }
  int64_t filters_before(int64_t group) const {
    return group * outputs() * positions * filter_plane(inputs());
  }

  TileProduct product(int64_t tiles) const {
    return {positions, inputs(), outputs(), tiles, tile_plane(tiles), filter_plane(inputs())};
  }
};

// Where filter (k, c) of a group, its taps in a row, lies in a plain weight [groups][K][C][taps].
struct FilterOrder {
  int64_t taps;
  int64_t output_stride, input_stride;
  bool turned;
};

// What the kernels of all three directions have in common.
struct Winograd {
  const MinimalFilter& minimal;
  Tiling tiling;
  Channels channels;
};

// y = w * x + b, or dx = transpose(w) * dy: winograd_filter.cpp.
std::unique_ptr<Kernel> make_filter(const Winograd& winograd, const FilterOrder& order, bool bias, bool relu);

// dw = dy * x and db = sum of dy: winograd_gradient.cpp.
std::unique_ptr<Kernel> make_filter_gradient(const Winograd& winograd, bool bias);

}  // namespace halfspace::cpu::HALFSPACE_WIDE
