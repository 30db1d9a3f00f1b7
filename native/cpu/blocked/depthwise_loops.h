// The inner loops of depthwise convolutions, on some rows of outputs of one block of channels of one image. Compiled for
// several instruction sets; no threads and no checks here.
#pragma once

#include <cstdint>

#include "../depthwise_window.h"
#include "block.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

// Where outputs go and how they start and end: from `bias`, kBlock floats, or from `image` where it is not null.
// The first output of the plane is at y, others are `row` and `pixel` floats apart, and so in `image`; negative
// ones are cut off where `relu`.
struct FilterOutput {
  const float *bias, *image;
  bool relu;
  int64_t row, pixel;
  float* y;
};

// y = bias or image + w * x for `rows` of the outputs. Planes are [h.inputs][w.inputs][kBlock], filters
// [h.taps][w.taps][kBlock].
void filter_rows(const Window& window, Range rows, const float* x, const float* w, const FilterOutput& out);

// What `rows` of the outputs read of a plane, with zeros where they reach beyond it, so that the loops need not
// ask: [h.reach(rows)][w.reach(w.outputs)][kBlock].
void copy_inputs(const Window& window, Range rows, const float* plane, float* copy);

// Adds to dw [h.taps][w.taps][kBlock] what `rows` of the outputs, whose gradients begin at dy, contribute, where
// `x` is what copy_inputs made for them.
void correlate_rows(const Window& window, Range rows, const float* x, const float* dy, float* dw);

// Adds the sum of `count` pixels to `sum`, kBlock floats.
void sum_pixels(const float* pixels, int64_t count, float* sum);

}  // namespace halfspace::cpu::HALFSPACE_WIDE
