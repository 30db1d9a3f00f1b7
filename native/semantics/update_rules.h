// The base optimizers, one element at a time. `advance` moves the state and returns the search
// direction d; `direction` finds d again from the state after it moved. Nothing here knows groups.
#pragma once

#include <cstdint>

#include "../device.h"
#include "half_space.h"

namespace halfspace {

// Pointers to one element of everything a rule touches, or to a run of them.
struct Slice {
  float* x;
  const float* gradient;
  float* first;   // momentum, or the first moment
  float* second;  // the second moment; for sgd a stand-in that is never written

  HALFSPACE_INLINE Slice at(int64_t offset) const {
    return {x + offset, gradient + offset, first + offset, second + offset};
  }
};

// g = gradient + decay x;  m = momentum m + g;  d = m, or g + momentum m with Nesterov
template <bool kNesterov>
struct Sgd {
  static constexpr int kStates = 1;
  static constexpr bool kDecoupled = false;
  float momentum, decay;

  HALFSPACE_INLINE static Sgd of(const Hyper& h) {
    return {static_cast<float>(h.momentum), static_cast<float>(h.weight_decay)};
  }

  HALFSPACE_INLINE float direction(float x, float gradient, float m, float) const {
    return kNesterov ? gradient + decay * x + momentum * m : m;
  }
  HALFSPACE_INLINE float advance(const Slice& at, int64_t i) const {
    const float x = at.x[i], gradient = at.gradient[i];
    const float m = momentum * at.first[i] + (gradient + decay * x);
    at.first[i] = m;
    return direction(x, gradient, m, 0.0f);
  }
  HALFSPACE_INLINE float again(const Slice& at, int64_t i) const {
    return direction(at.x[i], at.gradient[i], at.first[i], 0.0f);
  }
};

// g = gradient + decay x (decay is 0 where decoupled, which shrinks x instead);
// m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
// d = (m / correction1) / (sqrt(v / correction2) + epsilon),  correction = 1 - beta^step
template <bool kIsDecoupled>
struct Adam {
  static constexpr int kStates = 2;
  static constexpr bool kDecoupled = kIsDecoupled;
  float beta1, beta2, gain1, gain2;  // gain = 1 - beta, rounded once
  float decay, epsilon;
  float unbias1, unbias2;  // 1 / correction

  HALFSPACE_INLINE static Adam of(const Hyper& h) {
    return {static_cast<float>(h.momentum),
            static_cast<float>(h.beta2),
            static_cast<float>(1.0 - h.momentum),
            static_cast<float>(1.0 - h.beta2),
            static_cast<float>(kDecoupled ? 0.0 : h.weight_decay),
            static_cast<float>(h.adam_epsilon),
            static_cast<float>(1.0 / (1.0 - std::pow(h.momentum, h.step))),
            static_cast<float>(1.0 / (1.0 - std::pow(h.beta2, h.step)))};
  }

  HALFSPACE_INLINE float direction(float m, float v) const {
    return (m * unbias1) / (__builtin_sqrtf(v * unbias2) + epsilon);
  }
  HALFSPACE_INLINE float advance(const Slice& at, int64_t i) const {
    const float g = at.gradient[i] + decay * at.x[i];
    const float m = beta1 * at.first[i] + gain1 * g;
    const float v = beta2 * at.second[i] + gain2 * g * g;
    at.first[i] = m;
    at.second[i] = v;
    return direction(m, v);
  }
  HALFSPACE_INLINE float again(const Slice& at, int64_t i) const {
    return direction(at.first[i], at.second[i]);
  }
};

// The weight decay that shrinks x instead of entering d.
template <class Rule>
HALFSPACE_INLINE double shrink_of(const Hyper& h) {
  return Rule::kDecoupled ? h.weight_decay : 0.0;
}

// Throws unless the operands of an `update` step are those of lib/compile/update.ts:
//   parameters gradients state... hyper ceilings -> parameters state... statistics
void expect_update_operands(const StepMeta& step, size_t states);

// The list of rules: calls make.operator()<Rule>() for the one that the step names.
template <class Make>
std::unique_ptr<Kernel> with_rule(const StepMeta& step, const Make& make) {
  const std::string name = step.attrs.text("rule");
  step.expect(name == "sgd" || name == "adam" || name == "adamw", "unknown rule '", name, "'");
  expect_update_operands(step, name == "sgd" ? 1 : 2);
  if (name == "adam") return make.template operator()<Adam<false>>();
  if (name == "adamw") return make.template operator()<Adam<true>>();
  if (step.attrs.flag("nesterov", false)) return make.template operator()<Sgd<true>>();
  return make.template operator()<Sgd<false>>();
}

}  // namespace halfspace
