// What becomes of one group in the fused optimizer step of lib/compile/update.ts: penalty,
// half-space projection and norm ceiling, as functions of three sums over the group. Nothing here
// knows memory.
//
// A taken group is known only when its sums are, so its elements are visited twice: the first time
// moves the state and sums, the second finds d again from the state and moves x. All that the
// second visit needs follows from X = ||x||^2, S = x.d, D = ||d||^2, because with
//
//   xh = keep x - rate d,   keep = 1 - rate (decoupled decay + lambda / (||x|| + 1e-8))
//
// we have xh.x = keep X - rate S and ||xh||^2 = keep^2 X - 2 keep rate S + rate^2 D.
#pragma once

#include <cmath>
#include <limits>

#include "portable.h"

namespace halfspace {

// Mirrors HYPER of lib/compile/update.ts.
struct Hyper {
  double learning_rate, momentum, beta2, weight_decay, adam_epsilon, step;
  double lambda, amplify, hat, epsilon;
};
static_assert(sizeof(Hyper) == 10 * sizeof(double));

// A row of the statistics matrix; mirrors STATISTICS of lib/compile/update.ts.
struct Statistics {
  double squared_norm, slope, squared_direction, lambda, trial, zero;
};
static_assert(sizeof(Statistics) == 6 * sizeof(double));

// Per group or part of one: ||x||^2, x.d, ||d||^2.
struct Sums {
  double squared_norm = 0.0, slope = 0.0, squared_direction = 0.0;

  HALFSPACE_INLINE void operator+=(const Sums& other) {
    squared_norm += other.squared_norm;
    slope += other.slope;
    squared_direction += other.squared_direction;
  }
};

// x becomes keep x - rate d; with a rate of zero d does not matter, not even where it is NaN, and
// what becomes zero is a positive one.
struct Move {
  float keep, rate;

  HALFSPACE_INLINE float operator()(float x, float d) const {
    return rate == 0.0f ? keep * x + 0.0f : keep * x - rate * d;
  }

  HALFSPACE_INLINE static Move stay() { return {1.0f, 0.0f}; }
  HALFSPACE_INLINE static Move to_zero() { return {0.0f, 0.0f}; }
  HALFSPACE_INLINE bool stays() const { return keep == 1.0f && rate == 0.0f; }
};

// The base update alone; `shrink` is the decoupled decay, here and below.
HALFSPACE_INLINE Move free_move(const Hyper& h, double shrink) {
  return {static_cast<float>(1.0 - h.learning_rate * shrink), static_cast<float>(h.learning_rate)};
}

HALFSPACE_INLINE bool is_taken(double ceiling) {
  return ceiling != std::numeric_limits<double>::infinity();
}

// The penalty of a taken group, larger where the base direction would let it grow.
HALFSPACE_INLINE double penalty(const Hyper& h, const Sums& sums) {
  if (sums.slope >= 0.0) return h.lambda;
  const double norm = std::sqrt(sums.squared_norm);
  const double low = -sums.slope / norm;
  const double high = -sums.squared_direction * norm / sums.slope;
  const double amplified = std::fmin(std::fmax(h.amplify * low, h.lambda), h.lambda * h.hat);
  return amplified >= high ? (low + high) / 2.0 : amplified;
}

struct Decision {
  Statistics statistics;
  Move move;
};

// What happens to a group with these sums.
HALFSPACE_INLINE Decision decide(const Hyper& h, double shrink, double ceiling, const Sums& s) {
  Decision result{{s.squared_norm, s.slope, s.squared_direction, 0.0, 0.0, 0.0},
                  free_move(h, shrink)};
  if (!is_taken(ceiling)) return result;
  result.statistics.zero = 1.0;
  result.move = Move::to_zero();
  if (s.squared_norm == 0.0) return result;
  const double norm = std::sqrt(s.squared_norm), rate = h.learning_rate;
  const double lambda = penalty(h, s);
  const double keep = 1.0 - rate * (shrink + lambda / (norm + 1e-8));
  const double trial = keep * s.squared_norm - rate * s.slope;
  result.statistics.lambda = lambda;
  result.statistics.trial = trial;
  if (trial < h.epsilon * s.squared_norm || ceiling <= 0.0) return result;
  const double squared = keep * keep * s.squared_norm - 2.0 * keep * rate * s.slope +
                         rate * rate * s.squared_direction;
  const double reached = std::sqrt(std::fmax(squared, 0.0));
  const double scale = reached > ceiling ? ceiling / reached : 1.0;
  result.statistics.zero = 0.0;
  result.move = {static_cast<float>(scale * keep), static_cast<float>(scale * rate)};
  return result;
}

}  // namespace halfspace
