#include "joining.h"

namespace halfspace {

size_t joined_axis(const StepMeta& step, const std::vector<TensorMeta>& parts,
                   const TensorMeta& whole) {
  const int64_t rank = static_cast<int64_t>(whole.rank());
  int64_t axis = step.attrs.integer("axis");
  if (axis < 0) axis += rank;
  step.expect(!parts.empty() && axis >= 0 && axis < rank, "no axis ", axis, " in ", whole.text());
  Dims joined = whole.dims;
  joined[axis] = 0;
  for (const TensorMeta& part : parts) {
    step.expect(part.rank() == whole.rank() && part.layout == whole.layout &&
                    part.is_floating() && part.dtype == whole.dtype,
                part.text(), " does not fit ", whole.text());
    for (int64_t i = 0; i < rank; ++i) {
      step.expect(i == axis || part.dims[i] == whole.dims[i], part.text(), " and ", whole.text(),
                  " differ in axis ", i);
    }
    joined[axis] += part.dims[axis];
  }
  step.expect(joined == whole.dims, "the parts have ", joined[axis], " elements along axis ", axis,
              ", the whole is ", whole.text());
  return static_cast<size_t>(axis);
}

}  // namespace halfspace
