#include "depthwise_rows.h"

#include <algorithm>

#include "../simd.h"

// How wide vectors cross a call differs between instruction sets; here none does, all is inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// The channels of a block.
typedef float Vector
    __attribute__((vector_size(kBlock * sizeof(float)), aligned(4), may_alias));

HALFSPACE_INLINE Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }
HALFSPACE_INLINE void store(float* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; }

// Outputs [begin, end) of a row whose taps from `first` to `last` all lie inside.
struct Interior {
  int64_t begin;
  int64_t end;
};

HALFSPACE_INLINE Interior interior(const Window& w, int64_t first, int64_t last) {
  const int64_t room = w.W - 1 + w.left - last * w.dilation_w;
  const int64_t before = std::max<int64_t>(0, w.left - first * w.dilation_w);
  const int64_t begin = std::min(w.Q, ceil_div(before, w.stride_w));
  const int64_t end = room < 0 ? 0 : std::min(w.Q, room / w.stride_w + 1);
  return {begin, std::max(begin, end)};
}

// Outputs q to q + count of row p; `Checked` where a tap may lie outside.
template <int count, bool Checked>
HALFSPACE_INLINE void filter_tile(const Window& s, const float* x, const float* w, Vector bias,
                                  bool relu, int64_t p, int64_t q, float* y) {
  Vector sum[count];
  for (int t = 0; t < count; ++t) sum[t] = bias;
  for (int64_t i = 0; i < s.kh; ++i) {
    const int64_t h = s.row(p, i);
    if (h < 0 || h >= s.H) continue;
    for (int64_t j = 0; j < s.kw; ++j) {
      const int64_t v = s.column(q, j);
      if (Checked && (v < 0 || v >= s.W)) continue;
      const Vector weight = load(w + (i * s.kw + j) * kBlock);
      const float* pixel = x + (h * s.W + v) * kBlock;
      for (int t = 0; t < count; ++t) sum[t] += weight * load(pixel + t * s.stride_w * kBlock);
    }
  }
  const Vector zero = {};
  for (int t = 0; t < count; ++t) {
    store(y + (q + t) * kBlock, relu ? (sum[t] > zero ? sum[t] : zero) : sum[t]);
  }
}

// dw[i][j..j + count) += row p of dy times row h of x.
template <int count>
HALFSPACE_INLINE void correlate_taps(const Window& s, const float* x, const float* dy, int64_t j,
                                     float* dw) {
  Vector sum[count];
  for (int t = 0; t < count; ++t) sum[t] = load(dw + t * kBlock);
  const auto [begin, end] = interior(s, j, j + count - 1);
  const auto checked = [&](int64_t q) __attribute__((always_inline)) {
    for (int t = 0; t < count; ++t) {
      const int64_t v = s.column(q, j + t);
      if (v >= 0 && v < s.W) sum[t] += load(dy + q * kBlock) * load(x + v * kBlock);
    }
  };
  for (int64_t q = 0; q < begin; ++q) checked(q);
  for (int64_t q = begin; q < end; ++q) {
    const Vector gradient = load(dy + q * kBlock);
    const float* pixel = x + s.column(q, j) * kBlock;
    for (int t = 0; t < count; ++t) {
      sum[t] += gradient * load(pixel + t * s.dilation_w * kBlock);
    }
  }
  for (int64_t q = end; q < s.Q; ++q) checked(q);
  for (int t = 0; t < count; ++t) store(dw + t * kBlock, sum[t]);
}

}  // namespace

HALFSPACE_SIMD void filter_row(const Window& s, const float* x, const float* w, const float* bias,
                               bool relu, int64_t p, float* y) {
  constexpr int kTile = 8;
  const Vector start = load(bias);
  const auto [begin, end] = interior(s, 0, s.kw - 1);
  int64_t q = 0;
  for (; q < begin; ++q) filter_tile<1, true>(s, x, w, start, relu, p, q, y);
  for (; q + kTile <= end; q += kTile) filter_tile<kTile, false>(s, x, w, start, relu, p, q, y);
  for (; q < end; ++q) filter_tile<1, false>(s, x, w, start, relu, p, q, y);
  for (; q < s.Q; ++q) filter_tile<1, true>(s, x, w, start, relu, p, q, y);
}

HALFSPACE_SIMD void spread_row(const Window& s, const float* dy, const float* w, int64_t h,
                               float* dx) {
  std::fill_n(dx, s.W * kBlock, 0.0f);
  for (int64_t i = 0; i < s.kh; ++i) {
    const int64_t shifted = h + s.top - i * s.dilation_h;
    const int64_t p = shifted / s.stride_h;
    if (shifted < 0 || shifted % s.stride_h != 0 || p >= s.P) continue;
    for (int64_t j = 0; j < s.kw; ++j) {
      const Vector weight = load(w + (i * s.kw + j) * kBlock);
      const auto [begin, end] = interior(s, j, j);
      for (int64_t q = begin; q < end; ++q) {
        float* pixel = dx + s.column(q, j) * kBlock;
        store(pixel, load(pixel) + weight * load(dy + (p * s.Q + q) * kBlock));
      }
    }
  }
}

HALFSPACE_SIMD void correlate_row(const Window& s, const float* x, const float* dy, int64_t p,
                                  float* dw) {
  for (int64_t i = 0; i < s.kh; ++i) {
    const int64_t h = s.row(p, i);
    if (h < 0 || h >= s.H) continue;
    const float* source = x + h * s.W * kBlock;
    float* taps = dw + i * s.kw * kBlock;
    int64_t j = 0;
    for (; j + 5 <= s.kw; j += 5) correlate_taps<5>(s, source, dy, j, taps + j * kBlock);
    for (; j + 3 <= s.kw; j += 3) correlate_taps<3>(s, source, dy, j, taps + j * kBlock);
    for (; j < s.kw; ++j) correlate_taps<1>(s, source, dy, j, taps + j * kBlock);
  }
}

HALFSPACE_SIMD void sum_pixels(const float* pixels, int64_t count, float* sum) {
  Vector total = load(sum);
  for (int64_t i = 0; i < count; ++i) total += load(pixels + i * kBlock);
  store(sum, total);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
