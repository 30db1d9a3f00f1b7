// The base optimizers, one element at a time. `advance` moves the state and returns the search
// direction d; `direction` finds d again from the state after it moved. Nothing here knows groups.
#pragma once

#include <cmath>

#include "simd.h"

namespace halfspace::cpu {

// Pointers to one element of everything a rule touches, or to a run of them.
struct Slice {
  float* x;
  const float* gradient;
  float* first;   // momentum, or the first moment
  float* second;  // the second moment; for sgd a stand-in that is never written
};

// g = gradient + decay x;  m = momentum m + g;  d = m, or g + momentum m with Nesterov
template <bool kNesterov>
struct Sgd {
  float momentum, decay;

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

// g = gradient + decay x (decay is 0 for adamw, which shrinks x instead);
// m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
// d = (m / correction1) / (sqrt(v / correction2) + epsilon),  correction = 1 - beta^step
struct Adam {
  float beta1, beta2, gain1, gain2;  // gain = 1 - beta, rounded once
  float decay, epsilon;
  float unbias1, unbias2;  // 1 / correction

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

}  // namespace halfspace::cpu
