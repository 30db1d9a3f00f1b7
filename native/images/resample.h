// Scaling by the triangle filter, whose support widens when shrinking, so that no pixel is skipped: what
// `resample` of lib/data/image.ts does.
#pragma once

#include "images/frame.h"

namespace halfspace {

// Where a rectangle begins and ends along one axis; between pixels where they were scaled before.
struct Interval {
  double start, end;
};

// Scales the given part of `source` to [3, size.height, size.width].
void resample(const Pixels& source, Interval across, Interval down, Extent size, uint8_t* out);

}  // namespace halfspace
