#include "images/mirror.h"

#include "simd.h"

namespace halfspace {

HALFSPACE_SIMD void mirror_rows(const uint8_t* __restrict from, size_t rows, size_t width,
                                uint8_t* __restrict to) {
  for (size_t row = 0; row < rows; ++row) {
    const uint8_t* source = from + row * width;
    uint8_t* target = to + row * width;
    for (size_t x = 0; x < width; ++x) target[x] = source[width - 1 - x];
  }
}

}  // namespace halfspace
