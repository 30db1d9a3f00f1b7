// The loops of the update kernel over one run of memory, for every base optimizer: the first pass
// moves the state and sums, the second moves x of taken groups. Nothing here knows groups; a Move
// says what becomes of x.
#pragma once

#include "../semantics/update_plan.h"
#include "../semantics/update_rules.h"
#include "../simd.h"

namespace halfspace::cpu {

// Most elements of a strip of several pieces.
inline constexpr int64_t kStrip = 512;

// Accumulators of one lane each, added pairwise at the end: the same order on every machine.
struct LaneSums {
  static constexpr int64_t kLanes = 16;
  double xx[kLanes] = {}, xd[kLanes] = {}, dd[kLanes] = {};

  HALFSPACE_INLINE void add(int64_t lane, double x, double d) {
    xx[lane] += x * x;
    xd[lane] += x * d;
    dd[lane] += d * d;
  }
  HALFSPACE_INLINE Sums total() {
    for (int64_t half = kLanes / 2; half > 0; half /= 2) {
      for (int64_t lane = 0; lane < half; ++lane) {
        xx[lane] += xx[lane + half];
        xd[lane] += xd[lane + half];
        dd[lane] += dd[lane + half];
      }
    }
    return {xx[0], xd[0], dd[0]};
  }
};

// First pass over contiguous elements. x moves only where kMoves, else it is not written.
template <class Rule, bool kMoves>
HALFSPACE_SIMD void advance_run(const Rule rule, const Slice at, int64_t count, Move move,
                                Sums* sums) {
  constexpr int64_t kLanes = LaneSums::kLanes;
  LaneSums lanes;
  const int64_t full = count - count % kLanes;
  const auto element = [&](int64_t i, int64_t lane) __attribute__((always_inline)) {
    const float x = at.x[i];
    const float d = rule.advance(at, i);
    lanes.add(lane, x, d);
    if (kMoves) at.x[i] = move.keep * x - move.rate * d;
  };
  for (int64_t i = 0; i < full; i += kLanes) {
#pragma omp simd
    for (int64_t lane = 0; lane < kLanes; ++lane) element(i + lane, lane);
  }
  for (int64_t i = full; i < count; ++i) element(i, i - full);
  *sums = lanes.total();
}

// First pass over elements that lie apart.
template <class Rule>
Sums advance_strided(const Rule& rule, const Slice& at, int64_t count, int64_t stride, Move move) {
  Sums sums;
  for (int64_t i = 0; i < count * stride; i += stride) {
    const double x = at.x[i];
    const float d = rule.advance(at, i);
    sums.squared_norm += x * x;
    sums.slope += x * d;
    sums.squared_direction += static_cast<double>(d) * d;
    at.x[i] = move(at.x[i], d);
  }
  return sums;
}

// Second pass over one piece.
template <class Rule>
HALFSPACE_SIMD void move_run(const Rule rule, const Slice at, int64_t count, int64_t stride,
                             Move move) {
  if (stride == 1) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) at.x[i] = move(at.x[i], rule.again(at, i));
  } else {
    for (int64_t i = 0; i < count * stride; i += stride) {
      at.x[i] = move(at.x[i], rule.again(at, i));
    }
  }
}

// What becomes of each element of a strip. A move is written in whole registers beyond the end of
// its piece, where the next piece overwrites it.
struct StripMoves {
  static constexpr int64_t kWide = 16;
  float keep[kStrip + kWide], rate[kStrip + kWide];

  HALFSPACE_INLINE void set(int64_t begin, int64_t length, Move move) {
    for (int64_t at = begin; at < begin + length; at += kWide) {
#pragma omp simd
      for (int64_t lane = 0; lane < kWide; ++lane) {
        keep[at + lane] = move.keep;
        rate[at + lane] = move.rate;
      }
    }
  }
};

// Spreads the moves of a strip's pieces over its elements; returns their number.
HALFSPACE_INLINE int64_t spread(const Piece* pieces, int64_t count, const Move* moves,
                                StripMoves& result) {
  int64_t at = 0;
  for (int64_t p = 0; p < count; ++p) {
    result.set(at, pieces[p].length, moves[p]);
    at += pieces[p].length;
  }
  return at;
}

HALFSPACE_INLINE Sums sums_of(const double* x, const double* d, int64_t count) {
  double xx = 0.0, xd = 0.0, dd = 0.0;
#pragma omp simd reduction(+ : xx, xd, dd)
  for (int64_t i = 0; i < count; ++i) {
    xx += x[i] * x[i];
    xd += x[i] * d[i];
    dd += d[i] * d[i];
  }
  return {xx, xd, dd};
}

// First pass over short pieces that touch each other; sums go to the slots of the pieces.
template <class Rule>
HALFSPACE_SIMD void advance_strip(const Rule rule, const Slice at, const Piece* pieces,
                                  int64_t count, const Move* moves, Sums* slots) {
  StripMoves each;
  float d[kStrip];
  double wide_x[kStrip], wide_d[kStrip];
  const int64_t elements = spread(pieces, count, moves, each);
#pragma omp simd
  for (int64_t i = 0; i < elements; ++i) {
    d[i] = rule.advance(at, i);
    wide_x[i] = at.x[i];
    wide_d[i] = d[i];
  }
  for (int64_t p = 0, i = 0; p < count; i += pieces[p++].length) {
    if (pieces[p].group == kNoGroup) continue;
    slots[pieces[p].slot] = sums_of(wide_x + i, wide_d + i, pieces[p].length);
  }
#pragma omp simd
  for (int64_t i = 0; i < elements; ++i) at.x[i] = Move{each.keep[i], each.rate[i]}(at.x[i], d[i]);
}

// Second pass over short pieces that touch each other.
template <class Rule>
HALFSPACE_SIMD void move_strip(const Rule rule, const Slice at, const Piece* pieces, int64_t count,
                               const Move* moves) {
  StripMoves each;
  const int64_t elements = spread(pieces, count, moves, each);
#pragma omp simd
  for (int64_t i = 0; i < elements; ++i) {
    at.x[i] = Move{each.keep[i], each.rate[i]}(at.x[i], rule.again(at, i));
  }
}

}  // namespace halfspace::cpu
