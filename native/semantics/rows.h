// Tensors as rows: around one axis, as softmax sees them, or from one axis on, as layer
// normalisation does.
#pragma once

#include "../device.h"

namespace halfspace {

// [outer, size, inner], `size` being the attribute `axis`. Every input of the step is like its
// first output.
struct AxisRows {
  int64_t outer, size, inner;
};
AxisRows axis_rows_of(const StepMeta& step);

// [rows, size], `size` being everything from the attribute `axis` on.
struct TailRows {
  int64_t rows, size;
  int64_t elements() const { return rows * size; }
};
TailRows tail_rows_of(const StepMeta& step, const TensorMeta& x);

}  // namespace halfspace
