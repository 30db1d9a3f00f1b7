// The geometry of a blocked image, [N, blocks, H, W, block], and the one duty that comes with it:
// channels that only fill the last block are zero.
#pragma once

#include <cstring>

#include "../device.h"
#include "../semantics/operands.h"
#include "parallel.h"

namespace halfspace::cpu {

struct Image {
  int64_t batch, channels, block, blocks, height, width;

  explicit Image(const TensorMeta& meta)
      : batch(meta.dim(0)),
        channels(meta.dim(1)),
        block(meta.block),
        blocks(meta.blocks()),
        height(meta.dim(2)),
        width(meta.dim(3)) {}

  int64_t pixels() const { return height * width; }
  // Floats of one row and of one plane: the pixels of one channel block of one image.
  int64_t row() const { return width * block; }
  int64_t plane() const { return height * row(); }
  int64_t planes() const { return batch * blocks; }
  int64_t stored() const { return planes() * plane(); }
};

// Zeroes the channels beyond the last in a blocked image.
inline void clear_padding(const Image& image, float* data) {
  const int64_t used = image.channels % image.block;
  if (used == 0) return;
  parallel_for(image.batch, image.batch * image.plane(), [&](int64_t n) {
    float* plane = data + ((n + 1) * image.blocks - 1) * image.plane();
    for (int64_t pixel = 0; pixel < image.pixels(); ++pixel) {
      std::memset(plane + pixel * image.block + used, 0, (image.block - used) * sizeof(float));
    }
  });
}

}  // namespace halfspace::cpu
