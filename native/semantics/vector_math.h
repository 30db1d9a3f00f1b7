// exp, log, tanh and erf of one float in arithmetic that compilers vectorise: no branches, no calls,
// no tables. Errors are a few units in the last place, as tests of the activations state. The
// coefficients are our own minimax fits, but for the series of the logarithm.
#pragma once

#include <bit>
#include <cstdint>

#include "portable.h"

namespace halfspace {

// Keeps NaN, so that a diverged network shows it.
HALFSPACE_INLINE float clamp(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

// exp(x) = power (1 + rest)
struct SplitExp {
  float power, rest;
};

// 2^n and exp(r) - 1, with n the nearest integer to x / log 2 and |r| <= log(2) / 2.
// Saturates at exp(88) and exp(-87.3), still normal numbers.
HALFSPACE_INLINE SplitExp split_exp(float x) {
  x = clamp(x, -87.3f, 88.0f);
  // Adding 1.5 * 2^23 leaves n in the low bits of the sum, rounded to nearest.
  const float shifted = x * 1.44269504f + 12582912.0f;
  const float n = shifted - 12582912.0f;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 0.00138116593f;
  p = p * r + 0.00837013498f;
  p = p * r + 0.0416685268f;
  p = p * r + 0.166665092f;
  p = p * r + 0.49999994f;
  const uint32_t exponent = (std::bit_cast<uint32_t>(shifted) << 23) + 0x3f800000u;
  return {std::bit_cast<float>(exponent), r + r * r * p};
}

HALFSPACE_INLINE float vector_exp(float x) {
  const SplitExp e = split_exp(x);
  return (1.0f + e.rest) * e.power;
}

// exp(x) - 1, which keeps its digits near zero.
HALFSPACE_INLINE float vector_expm1(float x) {
  const SplitExp e = split_exp(x);
  return e.power * e.rest + (e.power - 1.0f);
}

// log(1 + x) for x from 0 to 1: 2 artanh(s) with s = x / (2 + x), of which s^2 <= 1 / 9 leaves the
// ninth term of the series below rounding.
HALFSPACE_INLINE float vector_log1p(float x) {
  const float s = x / (2.0f + x), t = s * s;
  float p = 1.0f / 15.0f;
  p = p * t + 1.0f / 13.0f;
  p = p * t + 1.0f / 11.0f;
  p = p * t + 1.0f / 9.0f;
  p = p * t + 1.0f / 7.0f;
  p = p * t + 1.0f / 5.0f;
  p = p * t + 1.0f / 3.0f;
  p = p * t + 1.0f;
  return 2.0f * s * p;
}

// 1 or -1 beyond `end`, where the function cannot be told from it in float.
HALFSPACE_INLINE float saturated(float x, float end, float value) {
  return x >= end ? 1.0f : (x <= -end ? -1.0f : value);
}

// Odd rational functions x P(x^2) / Q(x^2).
HALFSPACE_INLINE float vector_tanh(float x) {
  constexpr float kEnd = 9.0f;
  const float inside = clamp(x, -kEnd, kEnd), t = inside * inside;
  float p = 5.08543003e-8f;
  p = p * t + 3.16151782e-5f;
  p = p * t + 0.00400970737f;
  p = p * t + 0.13786304f;
  p = p * t + 1.0f;
  float q = 7.3930112e-10f;
  q = q * t + 1.61951311e-6f;
  q = q * t + 0.000420957629f;
  q = q * t + 0.0277418438f;
  q = q * t + 0.471196353f;
  q = q * t + 1.0f;
  return saturated(x, kEnd, inside * p / q);
}

HALFSPACE_INLINE float vector_erf(float x) {
  constexpr float kEnd = 3.9f;
  const float inside = clamp(x, -kEnd, kEnd), t = inside * inside;
  float p = 2.0664761e-6f;
  p = p * t + 0.000285043498f;
  p = p * t + 0.00373780075f;
  p = p * t + 0.0526663586f;
  p = p * t + 0.189655021f;
  p = p * t + 1.12837911f;
  float q = 3.82690778e-5f;
  q = q * t + 0.00115723233f;
  q = q * t + 0.0149131827f;
  q = q * t + 0.113813937f;
  q = q * t + 0.501410186f;
  q = q * t + 1.0f;
  return saturated(x, kEnd, inside * p / q);
}

HALFSPACE_INLINE float vector_sigmoid(float x) { return 1.0f / (1.0f + vector_exp(-x)); }

}  // namespace halfspace
