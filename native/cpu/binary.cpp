// Sums, differences, products and quotients of two tensors that broadcast to a third.
#include "image.h"
#include "kernels.h"
#include "runs.h"
#include "simd.h"

namespace halfspace::cpu {
namespace {

struct Add {
  HALFSPACE_INLINE float operator()(float a, float b) const { return a + b; }
};
struct Subtract {
  HALFSPACE_INLINE float operator()(float a, float b) const { return a - b; }
};
struct Multiply {
  HALFSPACE_INLINE float operator()(float a, float b) const { return a * b; }
};
struct Divide {
  HALFSPACE_INLINE float operator()(float a, float b) const { return a / b; }
};

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
  explicit Binary(const StepMeta& step) : walk_(walk_of(step)), y_(step.outputs[0]) {
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
  static Walk<3> walk_of(const StepMeta& step) {
    step.expect_arity(2, 2, 1, 1);
    const TensorMeta& y = step.outputs[0];
    const Dims dims = stored_dims(y);
    for (const TensorMeta& input : step.inputs) {
      step.expect(input.dtype == DType::F32 && y.dtype == DType::F32 && meets(input, y) &&
                      broadcasts_to(stored_dims(input), dims),
                  input.text(), " does not broadcast to ", y.text());
    }
    return {dims,
            {broadcast_strides(stored_dims(step.inputs[0]), dims),
             broadcast_strides(stored_dims(step.inputs[1]), dims), dense_strides(dims)}};
  }

  static bool meets(const TensorMeta& input, const TensorMeta& y) {
    if (is_number(input)) return true;
    return input.is_blocked() == y.is_blocked() && (!y.is_blocked() || input.dim(1) == y.dim(1));
  }

  Walk<3> walk_;
  TensorMeta y_;
  bool clears_;
};

}  // namespace

Wanted binary_layout(const StepMeta& step, Operand operand) {
  StepMeta images = step;
  std::erase_if(images.inputs, is_number);
  return blocked_where_channels_agree(images, operand);
}

std::unique_ptr<Kernel> make_binary(const StepMeta& step) {
  const std::string name = step.attrs.text("function");
  if (name == "add") return std::make_unique<Binary<Add>>(step);
  if (name == "sub") return std::make_unique<Binary<Subtract>>(step);
  if (name == "mul") return std::make_unique<Binary<Multiply>>(step);
  step.expect(name == "div", "unknown function '", name, "'");
  return std::make_unique<Binary<Divide>>(step);
}

}  // namespace halfspace::cpu
