// The inner loops of depthwise convolutions: one row of one block of channels at a time.
// Compiled for several instruction sets; no threads and no checks here.
#pragma once

#include <cstdint>

#include "block.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

// Planes are x [H][W][kBlock] and y [P][Q][kBlock]; taps of a filter are w [kh][kw][kBlock]. Tap (i, j) of
// output (p, q) reads x at `row(p, i)` and `column(q, j)`, where that lies inside.
struct Window {
  int64_t H, W, P, Q;
  int64_t kh, kw;
  int64_t stride_h, stride_w;
  int64_t dilation_h, dilation_w;
  int64_t top, left;

  int64_t row(int64_t p, int64_t i) const { return p * stride_h + i * dilation_h - top; }
  int64_t column(int64_t q, int64_t j) const { return q * stride_w + j * dilation_w - left; }
  int64_t taps() const { return kh * kw; }
  int64_t x_plane() const { return H * W * kBlock; }
  int64_t y_plane() const { return P * Q * kBlock; }
};

// Row p of y = bias + w * x, with negative values cut off where `relu`. `bias` has kBlock floats.
void filter_row(const Window& window, const float* x, const float* w, const float* bias, bool relu,
                int64_t p, float* y);

// Row h of dx = transpose(w) * dy.
void spread_row(const Window& window, const float* dy, const float* w, int64_t h, float* dx);

// Adds to dw [kh][kw][kBlock] what row p of dy contributes.
void correlate_row(const Window& window, const float* x, const float* dy, int64_t p, float* dw);

// Adds the sum of `count` pixels to `sum`, kBlock floats.
void sum_pixels(const float* pixels, int64_t count, float* sum);

}  // namespace halfspace::cpu::HALFSPACE_WIDE
