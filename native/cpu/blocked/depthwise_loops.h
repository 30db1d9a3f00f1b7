// The inner loops of depthwise convolutions, on one band of rows of one block of channels. Compiled for
// several instruction sets; no threads and no checks here.
#pragma once

#include <cstdint>

#include "block.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

// Rows of the input with zeros where the filter reaches beyond the image, so that the loops need not ask.
// It is [(rows - 1) * stride_h + (kh - 1) * dilation_h + 1][width][kBlock]; filters are [kh][kw][kBlock].
struct Band {
  int64_t rows, columns;  // of outputs
  int64_t width;          // pixels of an input row
  int64_t kh, kw;
  int64_t stride_h, stride_w;
  int64_t dilation_h, dilation_w;
};

// Pixels [left, left + width) of rows [top, top + rows) of a plane [H][W][kBlock], zeros outside it.
void copy_window(const float* plane, int64_t H, int64_t W, int64_t top, int64_t left, int64_t rows,
                 int64_t width, float* window);

// y = bias + w * x, with negative values cut off where `relu`. `bias` has kBlock floats; outputs are `row` and
// `pixel` floats apart.
void filter_band(const Band& band, const float* x, const float* w, const float* bias, bool relu, int64_t row,
                 int64_t pixel, float* y);

// Adds to dw [kh][kw][kBlock] what dy [rows][columns][kBlock] contributes.
void correlate_band(const Band& band, const float* x, const float* dy, float* dw);

// Adds the sum of `count` pixels to `sum`, kBlock floats.
void sum_pixels(const float* pixels, int64_t count, float* sum);

}  // namespace halfspace::cpu::HALFSPACE_WIDE
