// What is taken of an image, and the memory that pixels are decoded into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "error.h"

namespace halfspace {

struct Extent {
  int width, height;
};

// A rectangle in whole pixels and the size that it is scaled to; mirrors Frame of lib/data/image.ts.
struct Frame {
  int left, top, width, height;
  int output_width, output_height;
};

// Throws an Error with code Shape unless the frame lies in an image of this extent.
inline void require_inside(const Frame& frame, Extent extent) {
  check(frame.left >= 0 && frame.top >= 0 && frame.width > 0 && frame.height > 0 &&
            frame.left <= extent.width - frame.width && frame.top <= extent.height - frame.height,
        ErrorCode::Shape, "a frame of ", frame.width, "x", frame.height, " at ", frame.left, ",",
        frame.top, " leaves an image of ", extent.width, "x", extent.height);
}

// Pixels of four bytes, red, green, blue and one that means nothing: [height, width, 4]. `bytes` may have
// more, from a larger picture before.
struct Pixels {
  Extent extent{};
  std::vector<uint8_t> bytes;

  void make(Extent size) {
    extent = size;
    const size_t length = size_t(4) * size.width * size.height;
    if (bytes.size() < length) bytes.resize(length);
  }

  const uint8_t* row(int y) const { return bytes.data() + size_t(4) * y * extent.width; }
  uint8_t* row(int y) { return bytes.data() + size_t(4) * y * extent.width; }
};

}  // namespace halfspace
