#include "depthwise_loops.h"

#include <algorithm>

#include "vector.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// Filters of a width known to the compiler: taps stay in registers and each pixel is read once.
template <int kw, int stride, int dilation>
struct FixedTaps {
  // Adds what one row of taps makes of `count` outputs.
  template <int count>
  HALFSPACE_INLINE static void add_row(const Band&, const float* x, const float* w, Vector* sum) {
    constexpr int kReach = (count - 1) * stride + (kw - 1) * dilation + 1;
    Vector tap[kw];
    for (int j = 0; j < kw; ++j) tap[j] = load(w + j * kBlock);
#pragma GCC unroll 64
    for (int v = 0; v < kReach; ++v) {
      const Vector pixel = load(x + v * kBlock);
#pragma GCC unroll 16
      for (int j = 0; j < kw; ++j) {
        const int t = v - j * dilation;
        if (t >= 0 && t % stride == 0 && t / stride < count) sum[t / stride] += tap[j] * pixel;
      }
    }
  }
};

// Filters of any width.
struct AnyTaps {
  template <int count>
  HALFSPACE_INLINE static void add_row(const Band& band, const float* x, const float* w, Vector* sum) {
    for (int64_t j = 0; j < band.kw; ++j) {
      const Vector tap = load(w + j * kBlock);
      const float* pixel = x + j * band.dilation_w * kBlock;
      for (int t = 0; t < count; ++t) sum[t] += tap * load(pixel + t * band.stride_w * kBlock);
    }
  }
};

// Where outputs go and how they start and end.
struct Outputs {
  const float* bias;
  bool relu;
  int64_t row, pixel;
  float* y;
};

// `count` outputs of row p from column q on.
template <class Taps, int count>
HALFSPACE_INLINE void filter_tile(const Band& band, const float* x, const float* w, const Outputs& out,
                                  int64_t p, int64_t q) {
  Vector sum[count];
  for (int t = 0; t < count; ++t) sum[t] = load(out.bias);
  const float* pixel = x + (p * band.stride_h * band.width + q * band.stride_w) * kBlock;
  for (int64_t i = 0; i < band.kh; ++i) {
    Taps::template add_row<count>(band, pixel + i * band.dilation_h * band.width * kBlock,
                                  w + i * band.kw * kBlock, sum);
  }
  float* y = out.y + p * out.row + q * out.pixel;
  for (int t = 0; t < count; ++t) store(y + t * out.pixel, out.relu ? rectify(sum[t]) : sum[t]);
}

template <class Taps>
HALFSPACE_INLINE void filter_rows(const Band& band, const float* x, const float* w, const Outputs& out) {
  for (int64_t p = 0; p < band.rows; ++p) {
    int64_t q = 0;
    for (; q + 8 <= band.columns; q += 8) filter_tile<Taps, 8>(band, x, w, out, p, q);
    for (; q + 4 <= band.columns; q += 4) filter_tile<Taps, 4>(band, x, w, out, p, q);
    for (; q < band.columns; ++q) filter_tile<Taps, 1>(band, x, w, out, p, q);
  }
}

// Filters of a width known to the compiler: `rows` rows of taps, and the gradients of a few outputs with which
// each pixel is multiplied once it is read.
template <int kw, int stride, int dilation>
struct FixedSums {
  static constexpr int kTogether = 4;

  // What `count` outputs contribute.
  template <int rows, int count>
  HALFSPACE_INLINE static void add(const Band&, const float* x, int64_t down, const float* dy,
                                   Vector (&sum)[rows][kw]) {
    constexpr int kReach = (count - 1) * stride + (kw - 1) * dilation + 1;
    Vector gradient[count];
    for (int t = 0; t < count; ++t) gradient[t] = load(dy + t * kBlock);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 64
      for (int v = 0; v < kReach; ++v) {
        const Vector pixel = load(x + r * down + v * kBlock);
#pragma GCC unroll 16
        for (int j = 0; j < kw; ++j) {
          const int t = v - j * dilation;
          if (t >= 0 && t % stride == 0 && t / stride < count) sum[r][j] += gradient[t / stride] * pixel;
        }
      }
    }
  }
};

// `columns` taps of filters of any width.
template <int columns>
struct AnySums {
  static constexpr int kTogether = 1;

  template <int rows, int count>
  HALFSPACE_INLINE static void add(const Band& band, const float* x, int64_t down, const float* dy,
                                   Vector (&sum)[rows][columns]) {
    const Vector gradient = load(dy);
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) {
        sum[r][c] += gradient * load(x + r * down + c * band.dilation_w * kBlock);
      }
    }
  }
};

// dw[i..i + rows)[j..j + columns) += dy * x, summed in registers over the whole band.
template <class Taps, int rows, int columns>
HALFSPACE_INLINE void correlate_taps(const Band& band, const float* x, const float* dy, int64_t i, int64_t j,
                                     float* dw) {
  const int64_t down = band.dilation_h * band.width * kBlock;
  float* taps = dw + (i * band.kw + j) * kBlock;
  Vector sum[rows][columns];
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) sum[r][c] = load(taps + (r * band.kw + c) * kBlock);
  }
  for (int64_t p = 0; p < band.rows; ++p) {
    const float* pixel = x + p * band.stride_h * band.width * kBlock + i * down + j * band.dilation_w * kBlock;
    const float* gradient = dy + p * band.columns * kBlock;
    const int64_t step = band.stride_w * kBlock;
    int64_t q = 0;
    for (; q + Taps::kTogether <= band.columns; q += Taps::kTogether) {
      Taps::template add<rows, Taps::kTogether>(band, pixel + q * step, down, gradient + q * kBlock, sum);
    }
    for (; q < band.columns; ++q) {
      Taps::template add<rows, 1>(band, pixel + q * step, down, gradient + q * kBlock, sum);
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) store(taps + (r * band.kw + c) * kBlock, sum[r][c]);
  }
}

// All taps of columns [j, j + columns), `rows` rows of them at a time.
template <class Taps, int rows, int columns>
HALFSPACE_INLINE void correlate_columns(const Band& band, const float* x, const float* dy, int64_t j,
                                        float* dw) {
  int64_t i = 0;
  for (; i + rows <= band.kh; i += rows) correlate_taps<Taps, rows, columns>(band, x, dy, i, j, dw);
  for (; i < band.kh; ++i) correlate_taps<Taps, 1, columns>(band, x, dy, i, j, dw);
}

}  // namespace

HALFSPACE_SIMD void copy_window(const float* plane, int64_t H, int64_t W, int64_t top, int64_t left,
                                int64_t rows, int64_t width, float* window) {
  const int64_t begin = std::clamp<int64_t>(-left, 0, width);
  const int64_t end = std::clamp<int64_t>(W - left, begin, width);
  for (int64_t row = 0; row < rows; ++row) {
    float* to = window + row * width * kBlock;
    const int64_t h = top + row;
    const bool inside = h >= 0 && h < H;
    const int64_t from = inside ? begin : width, until = inside ? end : width;
    std::fill(to, to + from * kBlock, 0.0f);
    std::copy_n(plane + (h * W + left + from) * kBlock, (until - from) * kBlock, to + from * kBlock);
    std::fill(to + until * kBlock, to + width * kBlock, 0.0f);
  }
}

HALFSPACE_SIMD void filter_band(const Band& band, const float* x, const float* w, const float* bias, bool relu,
                                int64_t row, int64_t pixel, float* y) {
  const Outputs out = {bias, relu, row, pixel, y};
  const auto is = [&](int64_t kw, int64_t stride, int64_t dilation) {
    return band.kw == kw && band.stride_w == stride && band.dilation_w == dilation;
  };
  if (is(2, 1, 1)) return filter_rows<FixedTaps<2, 1, 1>>(band, x, w, out);
  if (is(3, 1, 1)) return filter_rows<FixedTaps<3, 1, 1>>(band, x, w, out);
  if (is(3, 1, 2)) return filter_rows<FixedTaps<3, 1, 2>>(band, x, w, out);
  if (is(3, 2, 1)) return filter_rows<FixedTaps<3, 2, 1>>(band, x, w, out);
  if (is(5, 1, 1)) return filter_rows<FixedTaps<5, 1, 1>>(band, x, w, out);
  if (is(5, 1, 2)) return filter_rows<FixedTaps<5, 1, 2>>(band, x, w, out);
  if (is(5, 2, 1)) return filter_rows<FixedTaps<5, 2, 1>>(band, x, w, out);
  if (is(7, 1, 1)) return filter_rows<FixedTaps<7, 1, 1>>(band, x, w, out);
  filter_rows<AnyTaps>(band, x, w, out);
}

HALFSPACE_SIMD void correlate_band(const Band& band, const float* x, const float* dy, float* dw) {
  const auto is = [&](int64_t kw, int64_t stride, int64_t dilation) {
    return band.kw == kw && band.stride_w == stride && band.dilation_w == dilation;
  };
  if (is(3, 1, 1)) return correlate_columns<FixedSums<3, 1, 1>, 3, 3>(band, x, dy, 0, dw);
  if (is(3, 1, 2)) return correlate_columns<FixedSums<3, 1, 2>, 3, 3>(band, x, dy, 0, dw);
  if (is(3, 2, 1)) return correlate_columns<FixedSums<3, 2, 1>, 3, 3>(band, x, dy, 0, dw);
  if (is(5, 1, 1)) return correlate_columns<FixedSums<5, 1, 1>, 2, 5>(band, x, dy, 0, dw);
  if (is(5, 1, 2)) return correlate_columns<FixedSums<5, 1, 2>, 2, 5>(band, x, dy, 0, dw);
  if (is(5, 2, 1)) return correlate_columns<FixedSums<5, 2, 1>, 2, 5>(band, x, dy, 0, dw);
  int64_t j = 0;
  for (; j + 5 <= band.kw; j += 5) correlate_columns<AnySums<5>, 2, 5>(band, x, dy, j, dw);
  for (; j + 3 <= band.kw; j += 3) correlate_columns<AnySums<3>, 3, 3>(band, x, dy, j, dw);
  for (; j < band.kw; ++j) correlate_columns<AnySums<1>, 5, 1>(band, x, dy, j, dw);
}

HALFSPACE_SIMD void sum_pixels(const float* pixels, int64_t count, float* sum) {
  Vector total = load(sum);
  for (int64_t i = 0; i < count; ++i) total += load(pixels + i * kBlock);
  store(sum, total);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
