#include "batch_norm_loops.h"

#include <algorithm>

#include "../../simd.h"


namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// Pixels whose products are added in float before they go on in double.
constexpr int64_t kFloatPixels = 16;

// What one element adds to the two sums of its channel: a value and its product with a factor.
struct Term {
  float value, factor;
};

// first += sum value, second += sum value * factor, where term(i, c) is the Term of element i in channel c.
template <class TermAt>
HALFSPACE_INLINE void add_terms(int64_t pixels, Sums* sums, TermAt term) {
  double first[kBlock] = {}, second[kBlock] = {};
  for (int64_t begin = 0; begin < pixels; begin += kFloatPixels) {
    float values[kBlock] = {}, products[kBlock] = {};
    const int64_t end = std::min(pixels, begin + kFloatPixels);
    for (int64_t p = begin; p < end; ++p) {
#pragma omp simd
      for (int64_t c = 0; c < kBlock; ++c) {
        const Term t = term(p * kBlock + c, c);
        values[c] += t.value;
        products[c] += t.value * t.factor;
      }
    }
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) {
      first[c] += values[c];
      second[c] += products[c];
    }
  }
  for (int64_t c = 0; c < kBlock; ++c) {
    sums->first[c] += first[c];
    sums->second[c] += second[c];
  }
}

// A copy that the compiler knows nobody else writes to.
struct Channels {
  float of[kBlock];

  HALFSPACE_INLINE explicit Channels(const float* values) {
    for (int64_t c = 0; c < kBlock; ++c) of[c] = values[c];
  }
};

HALFSPACE_INLINE float normalized(const Affine& a, float x, int64_t c, float least) {
  const float value = a.factor[c] * (x - a.center[c]) + a.offset[c];
  return value < least ? least : value;
}

// The gradient that reaches the normalisation: nothing where the rectifier after it closed. Computing y again
// from x, `centered`, costs less than reading it.
template <bool kMasked>
HALFSPACE_INLINE float masked(float dy, float centered, float factor, float offset) {
  return !kMasked || factor * centered + offset > 0.0f ? dy : 0.0f;
}

template <bool kMasked>
HALFSPACE_INLINE void sum_products(const float* x, const float* dy, int64_t pixels, const Affine* affine,
                                 Sums* sums) {
  const Channels center(affine->center), factor(affine->factor), offset(affine->offset);
  add_terms(pixels, sums, [&](int64_t i, int64_t c) __attribute__((always_inline)) {
    const float centered = x[i] - center.of[c];
    return Term{masked<kMasked>(dy[i], centered, factor.of[c], offset.of[c]), centered};
  });
}

template <bool kMasked>
HALFSPACE_INLINE void differentiate_as(const float* x, const float* dy, float* dx, int64_t pixels,
                                  const Affine* affine) {
  const Affine a = *affine;
  for (int64_t p = 0; p < pixels; ++p) {
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) {
      const int64_t i = p * kBlock + c;
      const float centered = x[i] - a.center[c];
      const float gradient = masked<kMasked>(dy[i], centered, a.factor[c], a.offset[c]);
      dx[i] = a.factor[c] * (gradient - a.mean[c] - a.slope[c] * centered);
    }
  }
}

// All terms of a pixel before the next, which keeps several streams from memory under way.
template <int kTerms, bool kOnto>
HALFSPACE_INLINE void join(const NormalizedTerm* terms, float least, int64_t pixels, float* y) {
  const NormalizedTerm &first = terms[0], &last = terms[kTerms - 1];
  const Affine a = *first.affine, b = *last.affine;
  for (int64_t p = 0; p < pixels; ++p) {
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) {
      const int64_t i = p * kBlock + c;
      float sum = kOnto ? y[i] : 0.0f;
      sum += normalized(a, first.x[i], c, first.least);
      if (kTerms == 2) sum += normalized(b, last.x[i], c, last.least);
      y[i] = sum < least ? least : sum;
    }
  }
}

}  // namespace

HALFSPACE_SIMD void add_moments(const float* x, int64_t pixels, const float* shift, Sums* sums) {
  const Channels middle(shift);
  add_terms(pixels, sums, [&](int64_t i, int64_t c) __attribute__((always_inline)) {
    const float value = x[i] - middle.of[c];
    return Term{value, value};
  });
}

HALFSPACE_SIMD void normalize(const float* x, float* y, int64_t pixels, const Affine* affine,
                              float least) {
  const Affine a = *affine;
  for (int64_t p = 0; p < pixels; ++p) {
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) y[p * kBlock + c] = normalized(a, x[p * kBlock + c], c, least);
  }
}

HALFSPACE_SIMD void add_terms(const NormalizedTerm* terms, int64_t count, bool onto, float least,
                                   int64_t pixels, float* y) {
  if (count == 1)
    return onto ? join<1, true>(terms, least, pixels, y) : join<1, false>(terms, least, pixels, y);
  onto ? join<2, true>(terms, least, pixels, y) : join<2, false>(terms, least, pixels, y);
}

HALFSPACE_SIMD void add_products(const float* x, const float* dy, int64_t pixels, const Affine* affine,
                                 bool masked, Sums* sums) {
  if (masked)
    sum_products<true>(x, dy, pixels, affine, sums);
  else
    sum_products<false>(x, dy, pixels, affine, sums);
}

HALFSPACE_SIMD void differentiate(const float* x, const float* dy, float* dx, int64_t pixels,
                                  const Affine* affine, bool masked) {
  if (masked)
    differentiate_as<true>(x, dy, dx, pixels, affine);
  else
    differentiate_as<false>(x, dy, dx, pixels, affine);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
