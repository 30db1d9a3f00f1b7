#include "reduction.h"

namespace halfspace {
namespace {

Dims without_ones(const Dims& dims) {
  Dims rest;
  for (int64_t size : dims) {
    if (size != 1) rest.push_back(size);
  }
  return rest;
}

// Which axes of x go, checked against y.
std::vector<bool> axes_of(const StepMeta& step) {
  step.expect_arity(1, 1, 1, 1);
  const TensorMeta &x = step.inputs[0], &y = step.outputs[0];
  std::vector<bool> reduced(x.rank(), false);
  for (int64_t axis : step.attrs.integers("axes")) {
    step.expect(axis >= 0 && axis < static_cast<int64_t>(x.rank()), "no axis ", axis, " in ",
                x.text());
    reduced[axis] = true;
  }
  Dims rest, ones;
  for (size_t i = 0; i < x.rank(); ++i) {
    if (!reduced[i]) rest.push_back(x.dims[i]);
    ones.push_back(reduced[i] ? 1 : x.dims[i]);
  }
  step.expect(x.is_floating() && y.is_floating() && without_ones(y.dims) == without_ones(rest),
              "expected the other axes of ", x.text(), ", got ", y.text());
  step.expect(x.is_blocked() == y.is_blocked() && (!x.is_blocked() || !reduced[1]),
              "blocked channels cannot be reduced");
  return reduced;
}

// Over the axes that are reduced or those that are kept: strides in x, and in y for kept ones.
// y has the kept elements in the same order, so its strides are those of a dense tensor.
template <size_t kOperands>
Walk<kOperands> walk_of(const StepMeta& step, std::vector<bool> reduced, bool wanted) {
  const Dims all = stored_dims(step.inputs[0]), dense = dense_strides(all);
  reduced.resize(all.size(), false);
  Dims dims, strides;
  for (size_t i = 0; i < all.size(); ++i) {
    if (reduced[i] != wanted) continue;
    dims.push_back(all[i]);
    strides.push_back(dense[i]);
  }
  if constexpr (kOperands == 1)
    return {dims, {strides}};
  else
    return {dims, {strides, dense_strides(dims)}};
}

}  // namespace

Reduction reduction_of(const StepMeta& step) {
  const std::vector<bool> reduced = axes_of(step);
  Reduction r{walk_of<2>(step, reduced, false), walk_of<1>(step, reduced, true), 1.0};
  const std::string function = step.attrs.text("function");
  step.expect(function == "sum" || function == "mean", "unknown function '", function, "'");
  if (function == "mean") r.factor = 1.0 / static_cast<double>(r.reduced.elements());
  return r;
}

}  // namespace halfspace
