// Functions of one element at a time and their derivatives, mapped over tensors.
#include "../semantics/unary_functions.h"
#include "../simd.h"
#include "image.h"
#include "kernels.h"

namespace halfspace::cpu {
namespace {

template <class Function>
HALFSPACE_SIMD void map(Function f, const float* x, float* y, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = f.value(x[i]);
}

// dx = dy f'(x)
template <class Function>
HALFSPACE_SIMD void map_backward(Function f, const float* dy, const float* x, const float* y,
                                 float* dx, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) dx[i] = dy[i] * f.slope(x[i], y[i]);
}

template <class Function>
class Unary : public Kernel {
 public:
  Unary(const StepMeta& step, Function f) : f_(f), meta_(step.outputs[0]) {
    step.expect_arity(1, 1, 1, 1);
    expect_same(step, step.inputs[0], meta_);
    clears_ = meta_.is_blocked() && f.value(0.0f) != 0.0f;
  }

  void run(const Buffers& buffers) override {
    const float* x = buffers.in(0);
    float* y = buffers.out(0);
    parallel_pieces(meta_.stored_elements(), kPiece, [&](int64_t begin, int64_t end) {
      map(f_, x + begin, y + begin, end - begin);
    });
    if (clears_) clear_padding(Image(meta_), y);
  }

 private:
  Function f_;
  TensorMeta meta_;
  bool clears_;
};

template <class Function>
class UnaryBackward : public Kernel {
 public:
  UnaryBackward(const StepMeta& step, Function f) : f_(f), meta_(step.outputs[0]) {
    step.expect_arity(3, 3, 1, 1);
    for (const TensorMeta& input : step.inputs) expect_same(step, input, meta_);
    // Zero times an infinite slope would be NaN.
    clears_ = meta_.is_blocked() && !std::isfinite(f.slope(0.0f, f.value(0.0f)));
  }

  void run(const Buffers& buffers) override {
    const float *dy = buffers.in(0), *x = buffers.in(1), *y = buffers.in(2);
    float* dx = buffers.out(0);
    parallel_pieces(meta_.stored_elements(), kPiece, [&](int64_t begin, int64_t end) {
      map_backward(f_, dy + begin, x + begin, y + begin, dx + begin, end - begin);
    });
    if (clears_) clear_padding(Image(meta_), dx);
  }

 private:
  Function f_;
  TensorMeta meta_;
  bool clears_;
};

}  // namespace

std::unique_ptr<Kernel> make_unary(const StepMeta& step) {
  return unary::make<Unary>(step);
}

std::unique_ptr<Kernel> make_unary_backward(const StepMeta& step) {
  return unary::make<UnaryBackward>(step);
}

}  // namespace halfspace::cpu
