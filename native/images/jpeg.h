// Parts of JPEG files, through libjpeg-turbo: only what lies in the frame is transformed, coloured and
// scaled. A file that cannot be decoded is an Error with code Data.
#pragma once

#include <optional>

#include "images/frame.h"

namespace halfspace {

// Any bytes; not owned.
struct Bytes {
  const uint8_t* data;
  size_t size;
};

// Width and height; nothing where the colours are not gray, YCbCr or RGB (print uses others).
std::optional<Extent> jpeg_extent(Bytes file);

// Cuts `frame` out and scales it: [3, output_height, output_width]. Gray is repeated; embedded profiles
// and orientation marks are not applied.
void decode_jpeg(Bytes file, const Frame& frame, uint8_t* out);

}  // namespace halfspace
