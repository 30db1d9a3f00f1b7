// Kernels that only move elements: slice, pad, transpose, expand. Each is one walk over the smaller
// side with a stride for each side. Blocked images keep their layout where the channel axis is
// whole.
#pragma once

#include "strided.h"

namespace halfspace {

// Element `walk` finds from from_origin goes where it is found from to_origin.
struct Movement {
  Walk<2> walk;
  int64_t from_origin, to_origin;
};

// Each checks the step and throws ErrorCode::Shape where it does not fit.
Movement slice_movement(const StepMeta& step);
// Of x into y; what surrounds it is not touched.
Movement pad_movement(const StepMeta& step);
Movement transpose_movement(const StepMeta& step);
Movement expand_movement(const StepMeta& step);

// Of slice and pad.
Wanted window_layout(const StepMeta& step, Operand operand);

}  // namespace halfspace
