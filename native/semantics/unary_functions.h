// Functions of one element at a time and their derivatives: activations, mostly. A function is an
// object with `value(x)` and `slope(x, y)`, y being the value; every device maps the same objects.
#pragma once

#include <cmath>
#include <memory>
#include <string>

#include "../device.h"
#include "vector_math.h"

namespace halfspace::unary {

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

struct Absolute {
  HALFSPACE_INLINE float value(float x) const { return x < 0.0f ? -x : x; }
  HALFSPACE_INLINE float slope(float x, float) const {
    return x > 0.0f ? 1.0f : (x < 0.0f ? -1.0f : 0.0f);
  }
};

// gamma x, below zero gamma alpha (exp(rate x) - 1), where the slope follows from y.
struct Elu {
  float alpha, gamma, rate;
  HALFSPACE_INLINE float value(float x) const {
    const float below = alpha * vector_expm1(rate * x);
    return gamma * (x < 0.0f ? below : x);
  }
  HALFSPACE_INLINE float slope(float x, float y) const {
    return x > 0.0f ? gamma : rate * (y + gamma * alpha);
  }
};

// log(1 + exp(x)), as the larger of x and 0 and what is left
struct Softplus {
  HALFSPACE_INLINE float value(float x) const {
    const float left = vector_log1p(vector_exp(x < 0.0f ? x : -x));
    return x < 0.0f ? left : x + left;
  }
  HALFSPACE_INLINE float slope(float x, float) const { return vector_sigmoid(x); }
};

// x tanh(log(1 + exp(x))) = x n / (n + 2) with e = exp(x) and n = e (e + 2), and its derivative
// n / (n + 2) + 4 x e (e + 1) / (n + 2)^2: nothing is subtracted. Beyond 20 it is x.
struct Mish {
  HALFSPACE_INLINE static float exp_of(float x) { return vector_exp(x > 20.0f ? 20.0f : x); }
  HALFSPACE_INLINE float value(float x) const {
    const float e = exp_of(x), n = e * (e + 2.0f);
    return x * (n / (n + 2.0f));
  }
  HALFSPACE_INLINE float slope(float x, float) const {
    const float e = exp_of(x), n = e * (e + 2.0f), share = 1.0f / (n + 2.0f);
    return share * (n + 4.0f * x * (e * (e + 1.0f) * share));
  }
};

// x / (1 + |x|)
struct Softsign {
  HALFSPACE_INLINE static float size(float x) { return 1.0f + (x < 0.0f ? -x : x); }
  HALFSPACE_INLINE float value(float x) const { return x / size(x); }
  HALFSPACE_INLINE float slope(float x, float) const { return 1.0f / (size(x) * size(x)); }
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

// x (1 + tanh(u)) / 2 = x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3), close to Gelu.
struct GeluTanh {
  HALFSPACE_INLINE static float twice(float x) {
    return x * (1.59576912f + 0.0713548163f * x * x);
  }
  HALFSPACE_INLINE float value(float x) const { return x * vector_sigmoid(twice(x)); }
  // With the other side of the sigmoid, 1 - s, as e s.
  HALFSPACE_INLINE float slope(float x, float) const {
    const float e = vector_exp(-twice(x)), s = 1.0f / (1.0f + e);
    return s + x * s * (e * s) * (1.59576912f + 0.214064449f * x * x);
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
  if (name == "abs") return make(Absolute{});
  if (name == "elu")
    return make(Elu{number("alpha", 1.0), number("gamma", 1.0), number("rate", 1.0)});
  if (name == "softplus") return make(Softplus{});
  if (name == "mish") return make(Mish{});
  if (name == "softsign") return make(Softsign{});
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
  if (name == "gelu_tanh") return make(GeluTanh{});
  if (name == "hard_sigmoid") return make(HardSigmoid{number("alpha", 0.2), number("beta", 0.5)});
  if (name == "hard_swish") return make(HardSwish{});
  if (name == "relu6") return make(Clip{0.0f, 6.0f});
  if (name == "clip") return make(Clip{number("min", -INFINITY), number("max", INFINITY)});
  step.expect(false, "unknown function '", name, "'");
  return nullptr;
}

// A kernel of one form for the function that the step names.
template <template <class> class Form>
struct Maker {
  const StepMeta& step;

  template <class Function>
  std::unique_ptr<Kernel> operator()(Function f) const {
    return std::make_unique<Form<Function>>(step, f);
  }
};

template <template <class> class Form>
std::unique_ptr<Kernel> make(const StepMeta& step) {
  return with_function(step, Maker<Form>{step});
}

}  // namespace halfspace::unary
