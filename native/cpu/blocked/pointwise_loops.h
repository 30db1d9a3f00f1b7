// The inner loops of the gradient of 1x1 filters, on a stretch of pixels of one image. Compiled for several
// instruction sets; no threads and no checks here.
#pragma once

#include <cstdint>

#include "block.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

// Blocks of channels of one image: [blocks] planes, `plane` floats apart, of [pixels][kBlock].
struct Planes {
  int64_t blocks;
  int64_t plane;
};

// Adds to dw [blocks of y][count][kBlock of y][kBlock of x] what `pixels` of `count` blocks of x, one to three,
// and all of dy contribute.
void correlate_pixels(int64_t count, const Planes& in, const float* x, const Planes& out, const float* dy,
                      int64_t pixels, float* dw);

}  // namespace halfspace::cpu::HALFSPACE_WIDE
