// Functions of two numbers, applied to two tensors that broadcast to a third.
#include "../semantics/binary.h"
#include "../simd.h"

#include "image.h"
#include "kernels.h"
#include "runs.h"

namespace halfspace::cpu {
namespace {

// y is dense; a and b are dense or repeat one element, other steps are slow but right.
template <class Function>
HALFSPACE_SIMD void combine(Function f, const float* a, int64_t a_step, const float* b,
                            int64_t b_step, float* y, int64_t count) {
  if (a_step == 1 && b_step == 1) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) y[i] = f(a[i], b[i]);
  } else if (a_step == 1 && b_step == 0) {
    const float right = b[0];
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) y[i] = f(a[i], right);
  } else if (a_step == 0 && b_step == 1) {
    const float left = a[0];
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) y[i] = f(left, b[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) y[i] = f(a[i * a_step], b[i * b_step]);
  }
}

template <class Function>
class Binary : public Kernel {
 public:
  explicit Binary(const StepMeta& step) : walk_(binary_walk(step)), y_(step.outputs[0]) {
    // Zero by zero is no number, also in a channel that is none, and a number meets those too.
    const bool repeats = std::any_of(step.inputs.begin(), step.inputs.end(), is_number);
    clears_ = y_.is_blocked() && (repeats || !(Function{}(0.0f, 0.0f) == 0.0f));
  }

  void run(const Buffers& buffers) override {
    const auto& steps = walk_.steps();
    parallel_runs(walk_, [&](const Walk<3>::Offsets& at) {
      combine(Function{}, buffers.in(0) + at[0], steps[0], buffers.in(1) + at[1], steps[1],
              buffers.out(0) + at[2], walk_.run());
    });
    if (clears_) clear_padding(Image(y_), buffers.out(0));
  }

 private:
  Walk<3> walk_;
  TensorMeta y_;
  bool clears_;
};

struct Maker {
  const StepMeta& step;

  template <class Function>
  std::unique_ptr<Kernel> operator()(Function) const {
    return std::make_unique<Binary<Function>>(step);
  }
};

}  // namespace

std::unique_ptr<Kernel> make_binary(const StepMeta& step) {
  return with_binary_function(step, Maker{step});
}

}  // namespace halfspace::cpu
