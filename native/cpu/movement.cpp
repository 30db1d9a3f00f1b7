// Kernels that only move elements: slice, pad, transpose, expand. Each is one walk over the smaller
// side with a stride for each side. Blocked images keep their layout where the channel axis is
// whole.
#include "image.h"
#include "kernels.h"
#include "runs.h"
#include "simd.h"

namespace halfspace::cpu {
namespace {

HALFSPACE_SIMD void copy_run(const float* from, int64_t from_step, float* to, int64_t to_step,
                             int64_t count, float factor) {
  if (from_step == 1 && to_step == 1) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) to[i] = factor * from[i];
  } else if (from_step == 0 && to_step == 1) {
    const float value = factor * from[0];
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) to[i] = value;
  } else {
    for (int64_t i = 0; i < count; ++i) to[i * to_step] = factor * from[i * from_step];
  }
}

// Copies the elements of a walk, times `factor`, from one origin to another.
class Copy {
 public:
  Copy(const Dims& dims, const Dims& from, int64_t from_origin, const Dims& to, int64_t to_origin)
      : walk_(dims, {from, to}), from_origin_(from_origin), to_origin_(to_origin) {}

  void run(const float* from, float* to, float factor = 1.0f) const {
    parallel_runs(walk_, [&](const Walk<2>::Offsets& at) {
      copy_run(from + from_origin_ + at[0], walk_.steps()[0], to + to_origin_ + at[1],
               walk_.steps()[1], walk_.run(), factor);
    });
  }

 private:
  Walk<2> walk_;
  int64_t from_origin_, to_origin_;
};

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
  step.expect(part.dtype == DType::F32 && whole.dtype == DType::F32 &&
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

class Slice : public Kernel {
 public:
  explicit Slice(const StepMeta& step) : copy_(copy_of(step)) {}
  void run(const Buffers& buffers) override { copy_.run(buffers.in(0), buffers.out(0)); }

 private:
  static Copy copy_of(const StepMeta& step) {
    step.expect_arity(1, 1, 1, 1);
    const Window window = window_of(step, step.outputs[0], step.inputs[0]);
    const Dims dims = stored_dims(step.outputs[0]);
    return {dims, window.strides, window.origin, dense_strides(dims), 0};
  }

  Copy copy_;
};

class Pad : public Kernel {
 public:
  explicit Pad(const StepMeta& step)
      : copy_(copy_of(step)),
        y_(step.outputs[0]),
        value_(static_cast<float>(step.attrs.number("value", 0.0))) {}

  void run(const Buffers& buffers) override {
    float* y = buffers.out(0);
    parallel_pieces(y_.stored_elements(), kPiece,
                    [&](int64_t begin, int64_t end) { std::fill(y + begin, y + end, value_); });
    if (y_.is_blocked() && value_ != 0.0f) clear_padding(Image(y_), y);
    copy_.run(buffers.in(0), y);
  }

 private:
  static Copy copy_of(const StepMeta& step) {
    step.expect_arity(1, 1, 1, 1);
    const Window window = window_of(step, step.inputs[0], step.outputs[0]);
    const Dims dims = stored_dims(step.inputs[0]);
    return {dims, dense_strides(dims), 0, window.strides, window.origin};
  }

  Copy copy_;
  TensorMeta y_;
  float value_;
};

class Transpose : public Kernel {
 public:
  explicit Transpose(const StepMeta& step) : copy_(copy_of(step)) {}
  void run(const Buffers& buffers) override { copy_.run(buffers.in(0), buffers.out(0)); }

 private:
  static Copy copy_of(const StepMeta& step) {
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
      step.expect(y.dims[i] == x.dims[permutation[i]], "axis ", i, " of ", y.text(),
                  " is not axis ", permutation[i], " of ", x.text());
      strides.push_back(dense[permutation[i]]);
    }
    return {y.dims, strides, 0, dense_strides(y.dims), 0};
  }

  Copy copy_;
};

// y = factor x, repeated
class Expand : public Kernel {
 public:
  explicit Expand(const StepMeta& step)
      : copy_(copy_of(step)), factor_(static_cast<float>(step.attrs.number("factor", 1.0))) {}
  void run(const Buffers& buffers) override { copy_.run(buffers.in(0), buffers.out(0), factor_); }

 private:
  static Copy copy_of(const StepMeta& step) {
    step.expect_arity(1, 1, 1, 1);
    const TensorMeta &x = step.inputs[0], &y = step.outputs[0];
    step.expect(x.dtype == DType::F32 && y.dtype == DType::F32 && x.layout == y.layout,
                "expected f32 tensors of one layout");
    const Dims from = stored_dims(x), to = stored_dims(y);
    step.expect(broadcasts_to(from, to), x.text(), " does not broadcast to ", y.text());
    return {to, broadcast_strides(from, to), 0, dense_strides(to), 0};
  }

  Copy copy_;
  float factor_;
};

}  // namespace

std::unique_ptr<Kernel> make_slice(const StepMeta& step) { return std::make_unique<Slice>(step); }

std::unique_ptr<Kernel> make_pad(const StepMeta& step) { return std::make_unique<Pad>(step); }

std::unique_ptr<Kernel> make_transpose(const StepMeta& step) {
  return std::make_unique<Transpose>(step);
}

std::unique_ptr<Kernel> make_expand(const StepMeta& step) { return std::make_unique<Expand>(step); }

// Cutting channels needs them side by side.
Wanted window_layout(const StepMeta& step, Operand) {
  const auto axes = step.attrs.integers("axes");
  const bool channels = std::find(axes.begin(), axes.end(), 1) != axes.end();
  return channels ? Wanted::Plain : Wanted::Either;
}

}  // namespace halfspace::cpu
