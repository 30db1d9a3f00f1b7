// Zeros around an NHWC image, for convolutions with more padding on one side than on the other, which
// cuDNN does not know: the image moves into a larger one and back.
#pragma once

#include "context.h"

namespace halfspace::cuda {

struct Frame {
  int64_t n, h, w, c;    // of the image
  int64_t top, left;     // zeros before it
  int64_t height, width; // with all zeros around

  DType type;

  size_t bytes() const { return static_cast<size_t>(n * height * width * c) * size_of(type); }
};

// framed = image with zeros around
void add_frame(const Context& context, const Frame& frame, const void* image, void* framed);
// image = framed without them
void remove_frame(const Context& context, const Frame& frame, const void* framed, void* image);

}  // namespace halfspace::cuda
