// The geometry of slice, pad, transpose and expand, with all that can be wrong about it.
#include "movement.h"

#include <algorithm>

namespace halfspace {
namespace {

// A tensor of `part` dimensions seen inside a larger one.
struct Window {
  Dims strides;
  int64_t origin;
};

// Axis axes[i] of `part` is axis axes[i] of `whole` at starts[i] + k steps[i]; the others are
// whole.
Window window_of(const StepMeta& step, const TensorMeta& part, const TensorMeta& whole) {
  const auto axes = step.attrs.integers("axes"), starts = step.attrs.integers("starts");
  const auto steps = step.attrs.integers("steps");
  step.expect(part.is_floating() && part.dtype == whole.dtype &&
                  part.rank() == whole.rank() && part.layout == whole.layout,
              part.text(), " is no part of ", whole.text());
  step.expect(starts.size() == axes.size() && steps.size() == axes.size(),
              "axes, starts and steps must be of one length");
  std::vector<bool> named(part.rank(), false);
  const Dims dims = stored_dims(whole);
  Window window{dense_strides(dims), 0};
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = axes[i];
    step.expect(axis >= 0 && axis < static_cast<int64_t>(part.rank()) && !named[axis], "no axis ",
                axis, " in ", part.text(), ", or it is named twice");
    step.expect(!whole.is_blocked() || axis != 1, "blocked channels cannot be cut");
    named[axis] = true;
    const int64_t size = whole.dims[axis], most = part.dims[axis] - 1;
    const bool fits = starts[i] >= 0 && starts[i] < size && steps[i] != 0 &&
                      (most <= 0 || (steps[i] > 0 ? steps[i] <= (size - 1 - starts[i]) / most
                                                  : steps[i] >= -(starts[i] / most)));
    step.expect(fits || part.dims[axis] == 0, "start ", starts[i], " and step ", steps[i],
                " leave axis ", axis, " of ", whole.text());
    window.origin += starts[i] * window.strides[axis];
    window.strides[axis] *= steps[i];
  }
  for (size_t axis = 0; axis < named.size(); ++axis) {
    step.expect(named[axis] || part.dims[axis] == whole.dims[axis], "axis ", axis, " of ",
                part.text(), " must be that of ", whole.text());
  }
  return window;
}

}  // namespace

Movement slice_movement(const StepMeta& step) {
  step.expect_arity(1, 1, 1, 1);
  const Window window = window_of(step, step.outputs[0], step.inputs[0]);
  const Dims dims = stored_dims(step.outputs[0]);
  return {{dims, {window.strides, dense_strides(dims)}}, window.origin, 0};
}

Movement pad_movement(const StepMeta& step) {
  step.expect_arity(1, 1, 1, 1);
  const Window window = window_of(step, step.inputs[0], step.outputs[0]);
  const Dims dims = stored_dims(step.inputs[0]);
  return {{dims, {dense_strides(dims), window.strides}}, 0, window.origin};
}

Movement transpose_movement(const StepMeta& step) {
  step.expect_arity(1, 1, 1, 1);
  const TensorMeta &x = step.inputs[0], &y = step.outputs[0];
  const auto permutation = step.attrs.integers("permutation");
  auto sorted = permutation;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) {
    step.expect(sorted[i] == static_cast<int64_t>(i), "not a permutation");
  }
  step.expect(x.dtype == DType::F32 && y.dtype == DType::F32 && x.rank() == sorted.size() &&
                  y.rank() == sorted.size() && !x.is_blocked() && !y.is_blocked(),
              "expected plain f32 tensors of rank ", sorted.size());
  const Dims dense = dense_strides(x.dims);
  Dims strides;
  for (size_t i = 0; i < permutation.size(); ++i) {
    step.expect(y.dims[i] == x.dims[permutation[i]], "axis ", i, " of ", y.text(), " is not axis ",
                permutation[i], " of ", x.text());
    strides.push_back(dense[permutation[i]]);
  }
  return {{y.dims, {strides, dense_strides(y.dims)}}, 0, 0};
}

Movement expand_movement(const StepMeta& step) {
  step.expect_arity(1, 1, 1, 1);
  const TensorMeta &x = step.inputs[0], &y = step.outputs[0];
  step.expect(x.is_floating() && x.dtype == y.dtype && x.layout == y.layout,
              "expected floats of one type and layout");
  const Dims from = stored_dims(x), to = stored_dims(y);
  step.expect(broadcasts_to(from, to), x.text(), " does not broadcast to ", y.text());
  return {{to, {broadcast_strides(from, to), dense_strides(to)}}, 0, 0};
}

// Cutting channels needs them side by side.
Wanted window_layout(const StepMeta& step, Operand) {
  const auto axes = step.attrs.integers("axes");
  const bool channels = std::find(axes.begin(), axes.end(), 1) != axes.end();
  return channels ? Wanted::Plain : Wanted::Either;
}

}  // namespace halfspace
