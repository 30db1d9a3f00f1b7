#include "rows.h"

namespace halfspace {
namespace {

// The attribute `axis`, counted from the front.
int64_t axis_of(const StepMeta& step, const TensorMeta& x) {
  const int64_t rank = static_cast<int64_t>(x.rank());
  int64_t axis = step.attrs.integer("axis");
  if (axis < 0) axis += rank;
  step.expect(axis >= 0 && axis < rank && !x.is_blocked() && x.dtype == DType::F32, "no axis ",
              axis, " in ", x.text());
  return axis;
}

int64_t product(const TensorMeta& x, int64_t begin, int64_t end) {
  int64_t result = 1;
  for (int64_t axis = begin; axis < end; ++axis) result *= x.dims[axis];
  return result;
}

}  // namespace

AxisRows axis_rows_of(const StepMeta& step) {
  const TensorMeta& y = step.outputs.at(0);
  const int64_t axis = axis_of(step, y), rank = static_cast<int64_t>(y.rank());
  for (const TensorMeta& input : step.inputs) {
    step.expect(same_shape(input, y) && input.dtype == y.dtype && !input.is_blocked(),
                "operands differ: ", input.text(), " and ", y.text());
  }
  return {product(y, 0, axis), y.dims[axis], product(y, axis + 1, rank)};
}

TailRows tail_rows_of(const StepMeta& step, const TensorMeta& x) {
  const int64_t axis = axis_of(step, x);
  step.expect(x.elements() > 0, x.text(), " is empty");
  const int64_t rows = product(x, 0, axis);
  return {rows, x.elements() / rows};
}

}  // namespace halfspace
