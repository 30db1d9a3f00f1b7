// Cutting and scaling by the triangle filter, whose support widens when shrinking, so that no pixel is skipped.
#pragma once

#include "images/frame.h"

namespace halfspace {

// Where a rectangle begins and ends along one axis; between pixels where they were scaled before.
struct Interval {
  double start, end;
};

// Scales the given part of the first `channels` (1 to 3) of `source` to [channels, size.height, size.width].
void resample(const Pixels& source, Interval across, Interval down, Extent size, size_t channels,
              uint8_t* out);

// Cuts `frame` out of `planes`, [channels, extent.height, extent.width], and scales it:
// [channels, output_height, output_width].
void resample_planes(const uint8_t* planes, size_t channels, Extent extent, const Frame& frame,
                     uint8_t* out);

}  // namespace halfspace
