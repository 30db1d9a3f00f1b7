#include "winograd_tiles.h"

#include "vector.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// B' of F(2, 3), along one axis.
HALFSPACE_INLINE void patch_axis(const Vector in[4], Vector out[4]) {
  out[0] = in[0] - in[2];
  out[1] = in[1] + in[2];
  out[2] = in[2] - in[1];
  out[3] = in[1] - in[3];
}

// A'
HALFSPACE_INLINE void output_axis(const Vector in[4], Vector out[2]) {
  out[0] = in[0] + in[1] + in[2];
  out[1] = in[1] - in[2] - in[3];
}

// A
HALFSPACE_INLINE void gradient_axis(const Vector in[2], Vector out[4]) {
  out[0] = in[0];
  out[1] = in[0] + in[1];
  out[2] = in[0] - in[1];
  out[3] = -in[1];
}

// G
HALFSPACE_INLINE void filter_axis(const Vector in[3], Vector out[4]) {
  const Vector ends = in[0] + in[2];
  out[0] = in[0];
  out[1] = 0.5f * (ends + in[1]);
  out[2] = 0.5f * (ends - in[1]);
  out[3] = in[2];
}

// G'
HALFSPACE_INLINE void filter_gradient_axis(const Vector in[4], Vector out[3]) {
  const Vector half = 0.5f * (in[1] + in[2]);
  out[0] = in[0] + half;
  out[1] = 0.5f * (in[1] - in[2]);
  out[2] = in[3] + half;
}

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

// The size x size pixels with the corner (h, w).
template <int size>
HALFSPACE_INLINE void load_pixels(const TileRow& row, const float* plane, int64_t w,
                                  Vector (*pixels)[size]) {
  const float* corner = plane + (row.h * row.W + w) * kBlock;
  const bool inside = row.h >= 0 && row.h + size <= row.H && w >= 0 && w + size <= row.W;
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < size; ++j) {
      const bool there = inside || (row.h + i >= 0 && row.h + i < row.H && w + j >= 0 && w + j < row.W);
      pixels[i][j] = there ? load(corner + (i * row.W + j) * kBlock) : Vector{};
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

HALFSPACE_INLINE void load_positions(Positions<const float> from, int64_t tile, Vector (*values)[4]) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      values[i][j] = load(from.data + (i * 4 + j) * from.stride + tile * kBlock);
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
        filter[k] = load(u + k * kPositions * size.filters + c * kBlock);
      }
      for (int t = 0; t < tiles; ++t) {
        for (int k = 0; k < blocks; ++k) sum[k][t] += filter[k] * v[t * kBlock + c];
      }
    }
    v += kPositions * size.plane;
    u += kBlock * kBlock;
  }
  for (int k = 0; k < blocks; ++k) {
    float* to = m + k * kPositions * size.plane;
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
HALFSPACE_INLINE void correlate_some(const TileProduct& size, const float* v, const float* m, float* du) {
  const int64_t plane = kPositions * size.plane;
  const int64_t filters = kPositions * size.filters;
  Vector sum[blocks][channels];
  for (int k = 0; k < blocks; ++k) {
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
HALFSPACE_INLINE void correlate_blocks(const TileProduct& size, const float* v, const float* m, float* du) {
  for (int64_t input = 0; input < size.inputs; ++input) {
    for (int64_t c = 0; c < kBlock; c += channels) {
      correlate_some<blocks, channels>(size, v + c, m, du + c * kBlock);
    }
    v += kPositions * size.plane;
    du += kBlock * kBlock;
  }
}

}  // namespace

HALFSPACE_SIMD void transform_patches(const TileRow& row, const float* x, Positions<float> v) {
  for (int64_t t = 0; t < row.count; ++t) {
    Vector pixels[4][4], values[4][4];
    load_pixels<4>(row, x, row.w + t * kTile, pixels);
    along_both<4, 4>(pixels, values, patch_axis);
    store_positions<4>(v, t, values);
  }
}

HALFSPACE_SIMD void transform_outputs(const TileRow& row, Positions<const float> m,
                                      const float* bias, bool relu, float* y) {
  const Vector start = load(bias);
  for (int64_t t = 0; t < row.count; ++t) {
    Vector values[4][4], pixels[2][2];
    load_positions(m, t, values);
    along_both<4, 2>(values, pixels, output_axis);
    const int64_t w = row.w + t * kTile;
    for (int64_t i = 0; i < kTile && row.h + i < row.H; ++i) {
      for (int64_t j = 0; j < kTile && w + j < row.W; ++j) {
        const Vector value = pixels[i][j] + start;
        store(y + ((row.h + i) * row.W + w + j) * kBlock, relu ? rectify(value) : value);
      }
    }
  }
}

HALFSPACE_SIMD void transform_gradients(const TileRow& row, const float* dy, Positions<float> m) {
  for (int64_t t = 0; t < row.count; ++t) {
    Vector pixels[2][2], values[4][4];
    load_pixels<2>(row, dy, row.w + t * kTile, pixels);
    along_both<2, 4>(pixels, values, gradient_axis);
    store_positions<4>(m, t, values);
  }
}

HALFSPACE_SIMD void transform_filter(const float* w, Positions<float> u) {
  Vector taps[3][3], values[4][4];
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) taps[i][j] = load(w + (i * 3 + j) * kBlock);
  }
  along_both<3, 4>(taps, values, filter_axis);
  store_positions<4>(u, 0, values);
}

HALFSPACE_SIMD void transform_filter_gradient(Positions<const float> u, float* dw) {
  Vector values[4][4], taps[3][3];
  load_positions(u, 0, values);
  along_both<4, 3>(values, taps, filter_gradient_axis);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) store(dw + (i * 3 + j) * kBlock, taps[i][j]);
  }
}

HALFSPACE_SIMD void multiply_tiles(const TileProduct& size, const float* v, const float* u, float* m) {
  const int64_t filters = kPositions * size.filters;
  const int64_t plane = kPositions * size.plane;
  int64_t k = 0;
  for (; k + 2 <= size.outputs; k += 2) multiply_row<2>(size, v, u + k * filters, m + k * plane);
  if (k < size.outputs) multiply_row<1>(size, v, u + k * filters, m + k * plane);
}

HALFSPACE_SIMD void correlate_tiles(const TileProduct& size, const float* v, const float* m, float* du) {
  if (size.outputs == 1) {
    correlate_blocks<1, 8>(size, v, m, du);
  } else {
    correlate_blocks<2, 4>(size, v, m, du);
  }
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
