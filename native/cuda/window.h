// A window that slides over the rows and columns of an NHWC image, as convolutions and pooling do.
#pragma once

#include <cstdint>

#include "../semantics/portable.h"

namespace halfspace::cuda {

// x is [N, H, W, C], y is [N, P, Q, C]. Tap (i, j) of output (p, q) reads x at `row(p, i)` and
// `column(q, j)`, where that lies inside.
struct Window {
  int64_t N, C, H, W, P, Q;
  int kh, kw, stride_h, stride_w, dilation_h, dilation_w, top, left;

  HALFSPACE_INLINE int64_t row(int64_t p, int i) const {
    return p * stride_h + i * dilation_h - top;
  }
  HALFSPACE_INLINE int64_t column(int64_t q, int j) const {
    return q * stride_w + j * dilation_w - left;
  }
  HALFSPACE_INLINE bool has_row(int64_t h) const { return h >= 0 && h < H; }
  HALFSPACE_INLINE bool has_column(int64_t v) const { return v >= 0 && v < W; }
  // The output whose tap i reads row h, or -1 where there is none; the same for columns.
  HALFSPACE_INLINE int64_t output_row(int64_t h, int i) const {
    return output(h + top - static_cast<int64_t>(i) * dilation_h, stride_h, P);
  }
  HALFSPACE_INLINE int64_t output_column(int64_t v, int j) const {
    return output(v + left - static_cast<int64_t>(j) * dilation_w, stride_w, Q);
  }
  HALFSPACE_INLINE int taps() const { return kh * kw; }

 private:
  HALFSPACE_INLINE static int64_t output(int64_t shifted, int stride, int64_t outputs) {
    if (shifted < 0 || shifted % stride != 0) return -1;
    const int64_t at = shifted / stride;
    return at < outputs ? at : -1;
  }
};

}  // namespace halfspace::cuda
