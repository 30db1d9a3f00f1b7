// Functions of one element at a time and their derivatives: activations, mostly. A function is an
// object with `value(x)` and `slope(x, y)`, y being the value; everything else is shared.
#include <cmath>
#include <functional>

#include "image.h"
#include "kernels.h"
#include "simd.h"
#include "vector_math.h"

namespace halfspace::cpu {
namespace {

struct Identity {
  HALFSPACE_INLINE float value(float x) const { return x; }
  HALFSPACE_INLINE float slope(float, float) const { return 1.0f; }
};

struct Relu {
  HALFSPACE_INLINE float value(float x) const { return x < 0.0f ? 0.0f : x; }
  HALFSPACE_INLINE float slope(float, float y) const { return y > 0.0f ? 1.0f : 0.0f; }
};

struct LeakyRelu {
  float alpha;
  HALFSPACE_INLINE float value(float x) const { return x < 0.0f ? alpha * x : x; }
  HALFSPACE_INLINE float slope(float x, float) const { return x > 0.0f ? 1.0f : alpha; }
};

struct Sigmoid {
  HALFSPACE_INLINE float value(float x) const { return vector_sigmoid(x); }
  HALFSPACE_INLINE float slope(float, float y) const { return y * (1.0f - y); }
};

struct Tanh {
  HALFSPACE_INLINE float value(float x) const { return vector_tanh(x); }
  HALFSPACE_INLINE float slope(float, float y) const { return 1.0f - y * y; }
};

// In two halves, so that it overflows to infinity and underflows to zero as it should.
struct Exp {
  HALFSPACE_INLINE float value(float x) const {
    const float root = vector_exp(0.5f * x);
    return root * root;
  }
  HALFSPACE_INLINE float slope(float, float y) const { return y; }
};

struct Log {
  HALFSPACE_INLINE float value(float x) const { return std::log(x); }
  HALFSPACE_INLINE float slope(float x, float) const { return 1.0f / x; }
};

struct Sqrt {
  HALFSPACE_INLINE float value(float x) const { return __builtin_sqrtf(x); }
  HALFSPACE_INLINE float slope(float, float y) const { return 0.5f / y; }
};

struct Erf {
  HALFSPACE_INLINE float value(float x) const { return vector_erf(x); }
  HALFSPACE_INLINE float slope(float x, float) const { return 1.12837917f * vector_exp(-x * x); }
};

// x^exponent
struct Power {
  float exponent;
  HALFSPACE_INLINE float value(float x) const { return std::pow(x, exponent); }
  HALFSPACE_INLINE float slope(float x, float) const {
    return exponent * std::pow(x, exponent - 1.0f);
  }
};

// alpha x + beta
struct AffineMap {
  float alpha, beta;
  HALFSPACE_INLINE float value(float x) const { return alpha * x + beta; }
  HALFSPACE_INLINE float slope(float, float) const { return alpha; }
};

// x sigmoid(x)
struct Silu {
  HALFSPACE_INLINE float value(float x) const { return x * vector_sigmoid(x); }
  HALFSPACE_INLINE float slope(float x, float y) const {
    const float s = vector_sigmoid(x);
    return s + y * (1.0f - s);
  }
};

// x P(Z <= x), Z standard normal; the exact form, not the tanh one.
struct Gelu {
  HALFSPACE_INLINE static float probability(float x) {
    return 0.5f + 0.5f * vector_erf(x * 0.707106781f);
  }
  HALFSPACE_INLINE float value(float x) const { return x * probability(x); }
  HALFSPACE_INLINE float slope(float x, float) const {
    const float density = 0.398942280f * vector_exp(-0.5f * x * x);
    return probability(x) + x * density;
  }
};

// clamp(alpha x + beta, 0, 1)
struct HardSigmoid {
  float alpha, beta;
  HALFSPACE_INLINE float value(float x) const { return clamp(alpha * x + beta, 0.0f, 1.0f); }
  HALFSPACE_INLINE float slope(float, float y) const { return y > 0.0f && y < 1.0f ? alpha : 0.0f; }
};

// x clamp(x / 6 + 1 / 2, 0, 1)
struct HardSwish {
  HALFSPACE_INLINE float value(float x) const {
    return x * clamp(x * (1.0f / 6.0f) + 0.5f, 0.0f, 1.0f);
  }
  HALFSPACE_INLINE float slope(float x, float) const {
    const float inside = x * (1.0f / 3.0f) + 0.5f;
    return x <= -3.0f ? 0.0f : (x >= 3.0f ? 1.0f : inside);
  }
};

struct Clip {
  float min, max;
  HALFSPACE_INLINE float value(float x) const { return clamp(x, min, max); }
  HALFSPACE_INLINE float slope(float x, float) const { return x > min && x < max ? 1.0f : 0.0f; }
};

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

template <template <class> class Form>
struct Maker {
  const StepMeta& step;

  template <class Function>
  std::unique_ptr<Kernel> operator()(Function f) const {
    return std::make_unique<Form<Function>>(step, f);
  }
};

// The list of functions: hands the one that the step names to `make`.
template <class Make>
std::unique_ptr<Kernel> with_function(const StepMeta& step, const Make& make) {
  const std::string name = step.attrs.text("function");
  const auto number = [&](const char* key, double fallback) {
    return static_cast<float>(step.attrs.number(key, fallback));
  };
  if (name == "identity") return make(Identity{});
  if (name == "relu") return make(Relu{});
  if (name == "leaky_relu") return make(LeakyRelu{number("alpha", 0.01)});
  if (name == "sigmoid") return make(Sigmoid{});
  if (name == "tanh") return make(Tanh{});
  if (name == "exp") return make(Exp{});
  if (name == "log") return make(Log{});
  if (name == "sqrt") return make(Sqrt{});
  if (name == "erf") return make(Erf{});
  if (name == "power") return make(Power{number("exponent", 1.0)});
  if (name == "affine") return make(AffineMap{number("alpha", 1.0), number("beta", 0.0)});
  if (name == "silu") return make(Silu{});
  if (name == "gelu") return make(Gelu{});
  if (name == "hard_sigmoid") return make(HardSigmoid{number("alpha", 0.2), number("beta", 0.5)});
  if (name == "hard_swish") return make(HardSwish{});
  if (name == "relu6") return make(Clip{0.0f, 6.0f});
  if (name == "clip") return make(Clip{number("min", -INFINITY), number("max", INFINITY)});
  step.expect(false, "unknown function '", name, "'");
  return nullptr;
}

}  // namespace

std::unique_ptr<Kernel> make_unary(const StepMeta& step) {
  return with_function(step, Maker<Unary>{step});
}

std::unique_ptr<Kernel> make_unary_backward(const StepMeta& step) {
  return with_function(step, Maker<UnaryBackward>{step});
}

}  // namespace halfspace::cpu
