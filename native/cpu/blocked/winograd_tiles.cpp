#include "winograd_tiles.h"

#include <algorithm>

#include "winograd_transforms.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// A transform along one axis, applied to both: out [to][to] = f(f(in [from][from])')'.
template <int from, int to, class Axis>
HALFSPACE_INLINE void along_both(const Vector (*in)[from], Vector (*out)[to], Axis axis) {
  Vector half[from][to];
  for (int i = 0; i < from; ++i) axis(in[i], half[i]);
  for (int j = 0; j < to; ++j) {
    Vector column[from], result[to];
    for (int i = 0; i < from; ++i) column[i] = half[i][j];
    axis(column, result);
    for (int i = 0; i < to; ++i) out[i][j] = result[i];
  }
}

// The size x size pixels with the corner (h, w), which are `pixel` floats apart.
template <int size>
HALFSPACE_INLINE void load_pixels(const TileRow& row, const float* plane, int64_t w, int64_t pixel,
                                  Vector (*pixels)[size]) {
  const float* corner = plane + row.h * row.row + w * pixel;
  const bool inside = row.h >= 0 && row.h + size <= row.H && w >= 0 && w + size <= row.W;
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < size; ++j) {
      const bool there = inside || (row.h + i >= 0 && row.h + i < row.H && w + j >= 0 && w + j < row.W);
      pixels[i][j] = there ? load(corner + i * row.row + j * pixel) : Vector{};
    }
  }
}

template <int size>
HALFSPACE_INLINE void store_positions(Positions<float> to, int64_t tile, const Vector (*values)[size]) {
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < size; ++j) {
      store(to.data + (i * size + j) * to.stride + tile * kBlock, values[i][j]);
    }
  }
}

template <int size>
HALFSPACE_INLINE void load_positions(Positions<const float> from, int64_t tile, Vector (*values)[size]) {
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < size; ++j) {
      values[i][j] = load(from.data + (i * size + j) * from.stride + tile * kBlock);
    }
  }
}

// `tiles` tiles of `blocks` blocks of outputs, all inputs.
template <int tiles, int blocks>
HALFSPACE_INLINE void multiply_some(const TileProduct& size, const float* v, const float* u, float* m) {
  Vector sum[blocks][tiles] = {};
  for (int64_t input = 0; input < size.inputs; ++input) {
    for (int c = 0; c < kBlock; ++c) {
      Vector filter[blocks];
      for (int k = 0; k < blocks; ++k) {
        filter[k] = load(u + k * size.positions * size.filters + c * kBlock);
      }
      for (int t = 0; t < tiles; ++t) {
        for (int k = 0; k < blocks; ++k) sum[k][t] += filter[k] * v[t * kBlock + c];
      }
    }
    v += size.positions * size.plane;
    u += kBlock * kBlock;
  }
  for (int k = 0; k < blocks; ++k) {
    float* to = m + k * size.positions * size.plane;
    for (int t = 0; t < tiles; ++t) store(to + t * kBlock, sum[k][t]);
  }
}

template <int blocks>
HALFSPACE_INLINE void multiply_row(const TileProduct& size, const float* v, const float* u, float* m) {
  for (int64_t t = 0; t < size.tiles; t += kTogether) {
    multiply_some<kTogether, blocks>(size, v + t * kBlock, u, m + t * kBlock);
  }
}

// `channels` inputs of a block and `blocks` blocks of outputs.
template <int blocks, int channels>
HALFSPACE_INLINE void correlate_some(const TileProduct& size, const float* v, const float* m, bool add,
                                     float* du) {
  const int64_t plane = size.positions * size.plane;
  const int64_t filters = size.positions * size.filters;
  Vector sum[blocks][channels] = {};
  for (int k = 0; add && k < blocks; ++k) {
    for (int c = 0; c < channels; ++c) sum[k][c] = load(du + k * filters + c * kBlock);
  }
  for (int64_t t = 0; t < size.tiles; ++t) {
    Vector gradient[blocks];
    for (int k = 0; k < blocks; ++k) gradient[k] = load(m + k * plane + t * kBlock);
    for (int c = 0; c < channels; ++c) {
      for (int k = 0; k < blocks; ++k) sum[k][c] += gradient[k] * v[t * kBlock + c];
    }
  }
  for (int k = 0; k < blocks; ++k) {
    for (int c = 0; c < channels; ++c) store(du + k * filters + c * kBlock, sum[k][c]);
  }
}

template <int blocks, int channels>
HALFSPACE_INLINE void correlate_blocks(const TileProduct& size, const float* v, const float* m, bool add,
                                       float* du) {
  for (int64_t input = 0; input < size.inputs; ++input) {
    for (int64_t c = 0; c < kBlock; c += channels) {
      correlate_some<blocks, channels>(size, v + c, m, add, du + c * kBlock);
    }
    v += size.positions * size.plane;
    du += kBlock * kBlock;
  }
}

// Transforms windows of from x from pixels, `step` apart, to to x to positions.
template <int step, int from, int to, class Axis>
HALFSPACE_INLINE void transform_windows(const TileRow& row, const float* plane, int64_t pixel,
                                        Positions<float> positions, Axis axis) {
  for (int64_t t = 0; t < row.count; ++t) {
    Vector pixels[from][from], values[to][to];
    load_pixels<from>(row, plane, row.w + t * step, pixel, pixels);
    along_both<from, to>(pixels, values, axis);
    store_positions<to>(positions, t, values);
  }
}

// Three taps come with images whole and in phases, four with phases alone, more with none; a distance that the
// compiler knows makes this a fifth faster.
template <int tile, int taps>
HALFSPACE_SIMD void transform_patches(const TileRow& row, const float* x, Positions<float> v) {
  constexpr int size = tile + taps - 1;
  constexpr auto patch = Transforms<tile, taps>::patch;
  if (taps > 4 || (taps == 3 && row.pixel == kBlock)) {
    transform_windows<tile, size, size>(row, x, kBlock, v, patch);
  } else {
    transform_windows<tile, size, size>(row, x, row.pixel, v, patch);
  }
}

template <int tile, int taps>
HALFSPACE_SIMD void transform_outputs(const TileRow& row, Positions<const float> m, const float* bias,
                                      bool relu, float* y) {
  constexpr int size = tile + taps - 1;
  const Vector start = load(bias);
  for (int64_t t = 0; t < row.count; ++t) {
    Vector values[size][size], pixels[tile][tile];
    load_positions<size>(m, t, values);
    along_both<size, tile>(values, pixels, Transforms<tile, taps>::output);
    const int64_t w = row.w + t * tile;
    for (int64_t i = 0; i < tile && row.h + i < row.H; ++i) {
      for (int64_t j = 0; j < tile && w + j < row.W; ++j) {
        const Vector value = pixels[i][j] + start;
        store(y + (row.h + i) * row.row + (w + j) * row.pixel, relu ? rectify(value) : value);
      }
    }
  }
}

template <int tile, int taps>
HALFSPACE_SIMD void transform_gradients(const TileRow& row, const float* dy, Positions<float> m) {
  transform_windows<tile, tile, tile + taps - 1>(row, dy, kBlock, m, Transforms<tile, taps>::gradient);
}

template <int tile, int taps>
HALFSPACE_SIMD void transform_filter(const float* w, Positions<float> u) {
  constexpr int size = tile + taps - 1;
  Vector values[taps][taps], points[size][size];
  for (int i = 0; i < taps; ++i) {
    for (int j = 0; j < taps; ++j) values[i][j] = load(w + (i * taps + j) * kBlock);
  }
  along_both<taps, size>(values, points, Transforms<tile, taps>::filter);
  store_positions<size>(u, 0, points);
}

template <int tile, int taps>
HALFSPACE_SIMD void transform_filter_gradient(Positions<const float> u, float* dw) {
  constexpr int size = tile + taps - 1;
  Vector points[size][size], values[taps][taps];
  load_positions<size>(u, 0, points);
  along_both<size, taps>(points, values, Transforms<tile, taps>::filter_gradient);
  for (int i = 0; i < taps; ++i) {
    for (int j = 0; j < taps; ++j) store(dw + (i * taps + j) * kBlock, values[i][j]);
  }
}

template <int tile, int taps>
constexpr MinimalFilter minimal_filter() {
  static_assert(taps * taps <= kMostTaps && (tile + taps - 1) * (tile + taps - 1) <= kMostPositions);
  return {.tile = tile,
          .taps = taps,
          .patches = transform_patches<tile, taps>,
          .outputs = transform_outputs<tile, taps>,
          .gradients = transform_gradients<tile, taps>,
          .filter = transform_filter<tile, taps>,
          .filter_gradient = transform_filter_gradient<tile, taps>};
}

}  // namespace

const MinimalFilter& minimal_filter_of(int64_t taps) {
  static const MinimalFilter filters[] = {minimal_filter<4, 3>(), minimal_filter<3, 4>(),
                                          minimal_filter<4, 5>(), minimal_filter<2, 7>()};
  return *std::ranges::find(filters, taps, &MinimalFilter::taps);
}

HALFSPACE_SIMD void multiply_tiles(const TileProduct& size, const float* v, const float* u, float* m) {
  const int64_t filters = size.positions * size.filters;
  const int64_t plane = size.positions * size.plane;
  int64_t k = 0;
  for (; k + 2 <= size.outputs; k += 2) multiply_row<2>(size, v, u + k * filters, m + k * plane);
  if (k < size.outputs) multiply_row<1>(size, v, u + k * filters, m + k * plane);
}

HALFSPACE_SIMD void correlate_tiles(const TileProduct& size, const float* v, const float* m, bool add,
                                    float* du) {
  if (size.outputs == 1) {
    correlate_blocks<1, 8>(size, v, m, add, du);
  } else {
    correlate_blocks<2, 4>(size, v, m, add, du);
  }
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
