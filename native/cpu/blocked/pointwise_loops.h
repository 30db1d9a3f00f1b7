// The inner loops of the gradient of 1x1 filters, on a stretch of pixels of one image. Compiled for several instruction
// sets; no threads and no checks here.
#pragma once

#include <algorithm>
#include <cstdint>

#include "../../simd.h"
#include "block.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

// Blocks of channels whose sums are kept in registers at the same time.
inline constexpr int64_t kTogether = 3;

// Calls visit(first, count) for groups of at most kTogether blocks: two pairs are better than three and one.
template <class Visit>
HALFSPACE_INLINE void for_each_group(int64_t blocks, Visit&& visit) {
  for (int64_t first = 0; first < blocks;) {
    const int64_t left = blocks - first;
    const int64_t count = left == kTogether + 1 ? 2 : std::min(left, kTogether);
    visit(first, count);
    first += count;
  }
}

// Blocks of channels of one image: [blocks] planes, `plane` floats apart, of [pixels][kBlock].
struct Planes {
  int64_t blocks;
  int64_t plane;
};

// Adds to dw [blocks of y][count][kBlock of y][kBlock of x] what `pixels` of `count` blocks of x, a group, and
// all of dy contribute.
void correlate_pixels(int64_t count, const Planes& in, const float* x, const Planes& out, const float* dy,
                      int64_t pixels, float* dw);

}  // namespace halfspace::cpu::HALFSPACE_WIDE
