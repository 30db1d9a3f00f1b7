// Checks that kernels of this device have in common, beside those of every device. Images are NHWC: one
// block of all channels, so that no channel of a stored image is padding.
#pragma once

#include "../semantics/operands.h"

namespace halfspace::cuda {

inline void expect_image(const StepMeta& step, const TensorMeta& meta) {
  step.expect(meta.is_image() && meta.is_blocked() && meta.elements() > 0,
              "expected an NHWC image that is not empty, got ", meta.text());
}

inline bool has_relu(const StepMeta& step) { return step.attrs.text("epilogue", "") == "relu"; }

}  // namespace halfspace::cuda
