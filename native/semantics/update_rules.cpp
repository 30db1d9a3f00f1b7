#include "update_rules.h"

namespace halfspace {

void expect_update_operands(const StepMeta& step, size_t states) {
  step.expect_arity(4 + states, 4 + states, 2 + states, 2 + states);
  const int64_t elements = step.inputs[0].elements(), groups = step.attrs.integer("groupCount");
  const auto expect = [&](const TensorMeta& meta, DType dtype, int64_t count, const char* what) {
    step.expect(meta.dtype == dtype && meta.elements() == count && !meta.is_blocked(), "expected ",
                count, " ", name_of(dtype), " of ", what, ", got ", meta.text());
  };
  for (size_t i = 0; i < 2 + states; ++i) {
    expect(step.inputs[i], DType::F32, elements, "parameters, gradients or state");
  }
  for (size_t i = 0; i < 1 + states; ++i) {
    expect(step.outputs[i], DType::F32, elements, "parameters or state");
  }
  expect(step.inputs[2 + states], DType::F64, 10, "hyper");
  expect(step.inputs[3 + states], DType::F64, groups, "ceilings");
  expect(step.outputs[1 + states], DType::F64, groups * 6, "statistics");
}

}  // namespace halfspace
