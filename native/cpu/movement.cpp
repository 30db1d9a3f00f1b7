// Kernels that only move elements: slice, pad, transpose, expand.
#include "../semantics/movement.h"
#include "../simd.h"

#include "image.h"
#include "kernels.h"
#include "runs.h"

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

// Copies the elements of a walk, times `factor`.
void copy(const Movement& m, const float* from, float* to, float factor = 1.0f) {
  parallel_runs(m.walk, [&](const Walk<2>::Offsets& at) {
    copy_run(from + m.from_origin + at[0], m.walk.steps()[0], to + m.to_origin + at[1],
             m.walk.steps()[1], m.walk.run(), factor);
  });
}

// Slice and transpose
class Move final : public Kernel {
 public:
  explicit Move(Movement movement) : movement_(std::move(movement)) {}
  void run(const Buffers& buffers) override { copy(movement_, buffers.in(0), buffers.out(0)); }

 private:
  Movement movement_;
};

class Pad final : public Kernel {
 public:
  explicit Pad(const StepMeta& step)
      : movement_(pad_movement(step)),
        y_(step.outputs[0]),
        value_(static_cast<float>(step.attrs.number("value", 0.0))) {}

  void run(const Buffers& buffers) override {
    float* y = buffers.out(0);
    parallel_pieces(y_.stored_elements(), kPiece,
                    [&](int64_t begin, int64_t end) { std::fill(y + begin, y + end, value_); });
    if (y_.is_blocked() && value_ != 0.0f) clear_padding(Image(y_), y);
    copy(movement_, buffers.in(0), y);
  }

 private:
  Movement movement_;
  TensorMeta y_;
  float value_;
};

// y = factor x, repeated
class Expand final : public Kernel {
 public:
  explicit Expand(const StepMeta& step)
      : movement_(expand_movement(step)),
        factor_(static_cast<float>(step.attrs.number("factor", 1.0))) {}
  void run(const Buffers& buffers) override {
    copy(movement_, buffers.in(0), buffers.out(0), factor_);
  }

 private:
  Movement movement_;
  float factor_;
};

}  // namespace

std::unique_ptr<Kernel> make_slice(const StepMeta& step) {
  return std::make_unique<Move>(slice_movement(step));
}

std::unique_ptr<Kernel> make_pad(const StepMeta& step) { return std::make_unique<Pad>(step); }

std::unique_ptr<Kernel> make_transpose(const StepMeta& step) {
  return std::make_unique<Move>(transpose_movement(step));
}

std::unique_ptr<Kernel> make_expand(const StepMeta& step) { return std::make_unique<Expand>(step); }

}  // namespace halfspace::cpu
