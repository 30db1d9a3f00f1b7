// exp, tanh and erf of one float in arithmetic that compilers vectorise: no branches, no calls, no
// tables. Errors are a few units in the last place, as tests of the activations state. The
// coefficients are our own minimax fits.
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

// exp(x) = 2^n exp(r) with n the nearest integer to x / log 2 and |r| <= log(2) / 2.
// Saturates at exp(88) and exp(-87.3), still normal numbers.
HALFSPACE_INLINE float vector_exp(float x) {
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
  const float mantissa = 1.0f + (r + r * r * p);
  const uint32_t exponent = (std::bit_cast<uint32_t>(shifted) << 23) + 0x3f800000u;
  return mantissa * std::bit_cast<float>(exponent);
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
