// Checks that kernels of this device have in common. Images are NHWC: one block of all channels, so
// that no channel of a stored image is padding.
#pragma once

#include "../device.h"

namespace halfspace::cuda {

inline void expect_same(const StepMeta& step, const TensorMeta& a, const TensorMeta& b) {
  step.expect(same_shape(a, b) && a.dtype == b.dtype && a.layout == b.layout,
              "operands differ: ", a.text(), " and ", b.text());
}

inline void expect_image(const StepMeta& step, const TensorMeta& meta) {
  step.expect(meta.is_image() && meta.is_blocked() && meta.elements() > 0,
              "expected an NHWC image that is not empty, got ", meta.text());
}

// `count` floats of any shape.
inline void expect_floats(const StepMeta& step, const TensorMeta& meta, int64_t count) {
  step.expect(meta.dtype == DType::F32 && meta.elements() == count && !meta.is_blocked(),
              "expected ", count, " floats, got ", meta.text());
}

inline bool has_relu(const StepMeta& step) { return step.attrs.text("epilogue", "") == "relu"; }

}  // namespace halfspace::cuda
