// Checks of operands that kernels of every device have in common.
#pragma once

#include "../device.h"

namespace halfspace {

inline void expect_same(const StepMeta& step, const TensorMeta& a, const TensorMeta& b) {
  step.expect(same_shape(a, b) && a.dtype == b.dtype && a.layout == b.layout && a.block == b.block,
              "operands differ: ", a.text(), " and ", b.text());
}

// `count` floats of any shape.
inline void expect_floats(const StepMeta& step, const TensorMeta& meta, int64_t count) {
  step.expect(meta.dtype == DType::F32 && meta.elements() == count && !meta.is_blocked(),
              "expected ", count, " floats, got ", meta.text());
}

}  // namespace halfspace
