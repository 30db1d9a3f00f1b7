// The loops of batch normalisation over pixels of one block of channels.
#pragma once

#include "block.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

// Two sums for each channel of a block.
struct Sums {
  double first[kBlock];
  double second[kBlock];
};

// Per channel, what the passes over the pixels need: y = factor (x - center) + offset, and with the gradient g
// of that, dx = factor (g - mean - slope (x - center)).
struct Affine {
  float center[kBlock];
  float factor[kBlock];
  float offset[kBlock];
  float mean[kBlock];
  float slope[kBlock];
};

// first += sum (x - shift), second += sum (x - shift)^2. A shift close to the mean keeps the variance
// from drowning.
void add_moments(const float* x, int64_t pixels, const float* shift, Sums* sums);

// y = max(factor (x - center) + offset, least)
void normalize(const float* x, float* y, int64_t pixels, const Affine* affine, float least);

// A term of a sum: max(factor (x - center) + offset, least).
struct NormalizedTerm {
  const float* x;
  const Affine* affine;
  float least;
};

// y = max(y + the first one or two of `terms`, least), without y where they do not go `onto` it.
void add_terms(const NormalizedTerm* terms, int64_t count, bool onto, float least, int64_t pixels, float* y);

// first += sum g, second += sum g (x - center), where g is dy, or nothing where a rectifier after the
// normalisation closed.
void add_products(const float* x, const float* dy, int64_t pixels, const Affine* affine, bool masked, Sums* sums);

// dx = factor (g - mean - slope (x - center))
void differentiate(const float* x, const float* dy, float* dx, int64_t pixels, const Affine* affine, bool masked);

}  // namespace halfspace::cpu::HALFSPACE_WIDE
