// The transforms of Winograd's minimal filtering F(tile, taps) along one axis, for any size, as Toom and Cook
// multiply polynomials: evaluated at tile + taps - 1 points, multiplied there, interpolated. The points are
// zero, pairs of +p and -p, and infinity, in this order. (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", 2016; Barabasz and others, "Error Analysis and Improving the Accuracy of Winograd
// Convolution for Deep Neural Networks", 2020.)
#pragma once

#include <array>

#include "vector.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

template <int pairs>
struct Points;

// Of the points that a float holds exactly, with their squares and products, those that lose least. The error
// of a sum over 64 channels, against that of a direct sum in float: up to twice with two pairs of points, five
// times with three, and ten times in the gradient of the filter.
template <>
struct Points<2> {
  static constexpr std::array<double, 2> kAt = {0.75, 1.5};
};
template <>
struct Points<3> {
  static constexpr std::array<double, 3> kAt = {0.5, 1.0, 2.0};
};

// Transforms between `taps` values of a filter, `tile` values of an output, and kPoints of each of them.
template <int tile, int taps>
class Transforms {
 public:
  static constexpr int kPoints = tile + taps - 1;

  // B': the input. Row by row the coefficients of the polynomial that is zero at all other points.
  HALFSPACE_INLINE static void patch(const Vector in[kPoints], Vector out[kPoints]) {
    out[0] = combine(kProducts[kPairs], kPairs, in);
    out[kPoints - 1] = combine(kProducts[kPairs], kPairs, in + 1);
#pragma GCC unroll 4
    for (int i = 0; i < kPairs; ++i) {
      const Vector even = combine(kProducts[i], kPairs - 1, in + 2);
      const Vector odd = static_cast<float>(kAt[i]) * combine(kProducts[i], kPairs - 1, in + 1);
      out[1 + 2 * i] = even + odd;
      out[2 + 2 * i] = even - odd;
    }
  }

  // G and its transpose: the filter at all points, and what that does to gradients.
  HALFSPACE_INLINE static void filter(const Vector in[taps], Vector out[kPoints]) {
    evaluate<taps>(kFilter, in, out);
  }
  HALFSPACE_INLINE static void filter_gradient(const Vector in[kPoints], Vector out[taps]) {
    interpolate<taps>(kFilter, in, out);
  }

  // A and its transpose, A': gradients of the output at all points, and the output from them.
  HALFSPACE_INLINE static void gradient(const Vector in[tile], Vector out[kPoints]) {
    evaluate<tile>(kOutput, in, out);
  }
  HALFSPACE_INLINE static void output(const Vector in[kPoints], Vector out[tile]) {
    interpolate<tile>(kOutput, in, out);
  }

 private:
  static constexpr int kPairs = (kPoints - 2) / 2;
  static_assert(kPoints == 2 * kPairs + 2, "zero, infinity and whole pairs");
  static constexpr auto kAt = Points<kPairs>::kAt;

  // Coefficients by powers of x^2.
  using Product = std::array<double, kPairs + 1>;

  // Powers of the points up to `count` coefficients: the one of zero, then those of each pair.
  template <int count>
  struct Powers {
    float zero;
    std::array<std::array<float, count>, kPairs> pairs;
  };

  // The product of (x^2 - p^2) over all pairs but `left_out`.
  static constexpr Product product(int left_out) {
    Product coefficients = {1.0};
    for (int i = 0; i < kPairs; ++i) {
      if (i == left_out) continue;
      for (int k = kPairs; k >= 0; --k) {
        coefficients[k] = (k > 0 ? coefficients[k - 1] : 0.0) - kAt[i] * kAt[i] * coefficients[k];
      }
    }
    return coefficients;
  }

  // The products without each pair, and of all.
  static constexpr std::array<Product, kPairs + 1> products() {
    std::array<Product, kPairs + 1> all = {};
    for (int i = 0; i <= kPairs; ++i) all[i] = product(i);
    return all;
  }

  // What the polynomial that is zero at all points but +p, or all but -p, is there; p is pair i.
  static constexpr double own_value(int i) {
    double value = 2.0 * kAt[i] * kAt[i];
    for (int j = 0; j < kPairs; ++j) {
      if (j != i) value *= kAt[i] * kAt[i] - kAt[j] * kAt[j];
    }
    return value;
  }

  // Divided by those values where `weighted`.
  template <int count>
  static constexpr Powers<count> powers(bool weighted) {
    Powers<count> result = {};
    result.zero = weighted ? static_cast<float>(1.0 / product(kPairs)[0]) : 1.0f;
    for (int i = 0; i < kPairs; ++i) {
      double power = weighted ? 1.0 / own_value(i) : 1.0;
      for (float& entry : result.pairs[i]) {
        entry = static_cast<float>(power);
        power *= kAt[i];
      }
    }
    return result;
  }

  static constexpr auto kProducts = products();
  static constexpr auto kFilter = powers<taps>(true);
  static constexpr auto kOutput = powers<tile>(false);

  // A product, whose last coefficient is one, applied to every second value.
  HALFSPACE_INLINE static Vector combine(const Product& product, int degree, const Vector* in) {
    Vector sum = in[2 * degree];
#pragma GCC unroll 4
    for (int k = 0; k < degree; ++k) sum += static_cast<float>(product[k]) * in[2 * k];
    return sum;
  }

  // The polynomial of the coefficients `in` at all points.
  template <int count>
  HALFSPACE_INLINE static void evaluate(const Powers<count>& powers, const Vector in[count],
                                        Vector out[kPoints]) {
    out[0] = powers.zero * in[0];
    out[kPoints - 1] = in[count - 1];
#pragma GCC unroll 4
    for (int i = 0; i < kPairs; ++i) {
      Vector even = powers.pairs[i][0] * in[0], odd = powers.pairs[i][1] * in[1];
#pragma GCC unroll 8
      for (int j = 2; j < count; ++j) (j % 2 == 0 ? even : odd) += powers.pairs[i][j] * in[j];
      out[1 + 2 * i] = even + odd;
      out[2 + 2 * i] = even - odd;
    }
  }

  // Its transpose.
  template <int count>
  HALFSPACE_INLINE static void interpolate(const Powers<count>& powers, const Vector in[kPoints],
                                           Vector out[count]) {
    out[0] = powers.zero * in[0];
#pragma GCC unroll 8
    for (int j = 1; j < count; ++j) out[j] = Vector{};
#pragma GCC unroll 4
    for (int i = 0; i < kPairs; ++i) {
      const Vector even = in[1 + 2 * i] + in[2 + 2 * i];
      const Vector odd = in[1 + 2 * i] - in[2 + 2 * i];
#pragma GCC unroll 8
      for (int j = 0; j < count; ++j) out[j] += powers.pairs[i][j] * (j % 2 == 0 ? even : odd);
    }
    out[count - 1] += in[kPoints - 1];
  }
};

}  // namespace halfspace::cpu::HALFSPACE_WIDE
