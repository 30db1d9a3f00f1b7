// The two passes of the update kernel over one strip of the arena, by one warp: the first moves the
// state and sums, the second moves x of taken groups. Every element is read once and written once
// in a pass. A strip is one piece of up to 1024 elements, which all lanes share, or touching pieces
// of up to 32 elements, whose terms are staged in shared memory and then summed by a lane each.
#pragma once

#include "../semantics/update_plan.h"
#include "../semantics/update_rules.h"
#include "fold.cuh"
#include "grid.cuh"

namespace halfspace::cuda {

inline constexpr UpdateCut kCut{.piece = 1024, .strip = 256, .part = 32};

// Everything a launch works on. `second` of the arena is null for rules with one state.
struct UpdateRun {
  const Hyper* hyper;
  Slice arena;
  bool wide;  // whether the arenas start where vectors may
  const Piece* pieces;
  const int32_t* strip_ends;
  int32_t strips;
  const double* ceilings;  // [groups]
  Statistics* statistics;  // [groups]
  Sums* sums;              // [slots]
  Move* moves;             // [groups]

  __device__ int32_t strip_begin(int32_t strip) const {
    return strip == 0 ? 0 : strip_ends[strip - 1];
  }
  __device__ bool takes(int32_t group) const {
    return group != kNoGroup && is_taken(ceilings[group]);
  }
};

// What a rule touches of a few neighbouring elements, in registers.
template <class Rule, int kWidth>
class Held {
 public:
  __device__ Held(const Slice& arena, int64_t at)
      : x(load<kWidth>(arena.x + at)),
        gradient_(load<kWidth>(arena.gradient + at)),
        first_(load<kWidth>(arena.first + at)) {
    if constexpr (Rule::kStates == 2) second_ = load<kWidth>(arena.second + at);
  }

  Vector<kWidth> x;

  // Moves the state of one of them and returns d; `again` finds the same d after that.
  __device__ float advance(const Rule& rule, int lane) { return rule.advance(slice(), lane); }
  __device__ float again(const Rule& rule, int lane) { return rule.again(slice(), lane); }

  __device__ void store_state(const Slice& arena, int64_t at) const {
    store(arena.first + at, first_);
    if constexpr (Rule::kStates == 2) store(arena.second + at, second_);
  }

 private:
  __device__ Slice slice() {
    if constexpr (Rule::kStates == 2) return {x.at, gradient_.at, first_.at, second_.at};
    return {x.at, gradient_.at, first_.at, first_.at};
  }

  Vector<kWidth> gradient_, first_, second_;
};

template <int kWidth>
using Width = std::integral_constant<int, kWidth>;

// Calls visit(Width<k>{}, at) for each k neighbouring elements of a piece that this lane does.
template <class Visit>
__device__ inline void share_piece(const Piece& piece, bool wide, const Visit& visit) {
  const int lane = lane_of_warp();
  if (!wide || piece.stride != 1) {
    for (int i = lane; i < piece.length; i += kWarp) {
      visit(Width<1>{}, piece.offset + static_cast<int64_t>(i) * piece.stride);
    }
    return;
  }
  const int head = min(piece.length, static_cast<int>((kWide - piece.offset % kWide) % kWide));
  const int vectors = (piece.length - head) / kWide;
  if (lane < head) visit(Width<1>{}, piece.offset + lane);
  for (int i = lane; i < vectors; i += kWarp) {
    visit(Width<kWide>{}, piece.offset + head + i * kWide);
  }
  const int tail = head + vectors * kWide + lane;
  if (tail < piece.length) visit(Width<1>{}, piece.offset + tail);
}

__device__ inline void add_terms(Sums& sums, double x, double d) {
  sums.squared_norm += x * x;
  sums.slope += x * d;
  sums.squared_direction += d * d;
}

// First pass over one piece.
template <class Rule>
__device__ void advance_piece(const UpdateRun& run, const Rule& rule, Move free,
                              const Piece& piece) {
  const bool moves = !run.takes(piece.group);
  Sums sums;
  share_piece(piece, run.wide, [&](auto width, int64_t at) {
    Held<Rule, width> held(run.arena, at);
#pragma unroll
    for (int lane = 0; lane < width; ++lane) {
      const float x = held.x.at[lane], d = held.advance(rule, lane);
      add_terms(sums, x, d);
      held.x.at[lane] = free(x, d);
    }
    held.store_state(run.arena, at);
    if (moves) store(run.arena.x + at, held.x);
  });
  if (piece.group == kNoGroup) return;
  sums = {sum_of_warp(sums.squared_norm), sum_of_warp(sums.slope),
          sum_of_warp(sums.squared_direction)};
  if (lane_of_warp() == 0) run.sums[piece.slot] = sums;
}

// Second pass over one piece.
template <class Rule>
__device__ void project_piece(const UpdateRun& run, const Rule& rule, const Piece& piece) {
  if (!run.takes(piece.group)) return;
  const Move move = run.moves[piece.group];
  share_piece(piece, run.wide, [&](auto width, int64_t at) {
    Held<Rule, width> held(run.arena, at);
#pragma unroll
    for (int lane = 0; lane < width; ++lane) {
      held.x.at[lane] = move(held.x.at[lane], held.again(rule, lane));
    }
    store(run.arena.x + at, held.x);
  });
}

// Touching pieces of a strip, and where they begin in it.
struct Touching {
  const Piece* pieces;
  int32_t count;
  int64_t offset;

  __device__ int begin(int32_t p) const { return static_cast<int>(pieces[p].offset - offset); }
  __device__ int elements() const { return begin(count - 1) + pieces[count - 1].length; }
};

// Shared memory of one warp: two numbers for each element of a strip. Lanes that walk down pieces
// of 8, 16 or 32 elements would meet in one bank, so every 32 elements are followed by a gap.
class Stage {
 public:
  __device__ void set(int i, float first, float second) {
    first_[slot(i)] = first;
    second_[slot(i)] = second;
  }
  __device__ float first(int i) const { return first_[slot(i)]; }
  __device__ float second(int i) const { return second_[slot(i)]; }

 private:
  static constexpr int kSize = static_cast<int>(kCut.strip + kCut.strip / kWarp);

  __device__ static int slot(int i) { return i + i / kWarp; }

  float first_[kSize], second_[kSize];
};

// Stages move_of(group) for every element; returns whether one of them moves. All lanes of the warp
// come here, and below.
template <class MoveOf>
__device__ bool stage_moves(const Touching& strip, Stage& stage, const MoveOf& move_of) {
  bool moves = false;
  for (int p = lane_of_warp(); p < strip.count; p += kWarp) {
    const Move move = move_of(strip.pieces[p].group);
    const int begin = strip.begin(p), end = begin + strip.pieces[p].length;
    for (int i = begin; i < end; ++i) stage.set(i, move.keep, move.rate);
    moves = moves || !move.stays();
  }
  __syncwarp();
  return __any_sync(kWholeWarp, moves);
}

// Sums what is staged for each piece, a lane a piece.
__device__ inline void sum_pieces(const UpdateRun& run, const Touching& strip, const Stage& stage) {
  for (int p = lane_of_warp(); p < strip.count; p += kWarp) {
    if (strip.pieces[p].group == kNoGroup) continue;
    const int begin = strip.begin(p), end = begin + strip.pieces[p].length;
    Sums sums;
    for (int i = begin; i < end; ++i) add_terms(sums, stage.first(i), stage.second(i));
    run.sums[strip.pieces[p].slot] = sums;
  }
}

// First pass over touching pieces: the stage holds the moves first, x and d after that.
template <class Rule>
__device__ void advance_touching(const UpdateRun& run, const Rule& rule, Move free,
                                 const Touching& strip, Stage& stage) {
  const int elements = strip.elements();
  stage_moves(strip, stage, [&](int32_t group) { return run.takes(group) ? Move::stay() : free; });
  for (int i = lane_of_warp(); i < elements; i += kWarp) {
    const int64_t at = strip.offset + i;
    const Move move{stage.first(i), stage.second(i)};
    Held<Rule, 1> held(run.arena, at);
    const float x = held.x.at[0], d = held.advance(rule, 0);
    stage.set(i, x, d);
    held.store_state(run.arena, at);
    if (!move.stays()) run.arena.x[at] = move(x, d);
  }
  __syncwarp();
  sum_pieces(run, strip, stage);
  __syncwarp();
}

// Second pass over touching pieces.
template <class Rule>
__device__ void project_touching(const UpdateRun& run, const Rule& rule, const Touching& strip,
                                 Stage& stage) {
  const int elements = strip.elements();
  const bool moves = stage_moves(strip, stage, [&](int32_t group) {
    return run.takes(group) ? run.moves[group] : Move::stay();
  });
  for (int i = lane_of_warp(); moves && i < elements; i += kWarp) {
    const int64_t at = strip.offset + i;
    const Move move{stage.first(i), stage.second(i)};
    if (move.stays()) continue;
    Held<Rule, 1> held(run.arena, at);
    run.arena.x[at] = move(held.x.at[0], held.again(rule, 0));
  }
  __syncwarp();
}

}  // namespace halfspace::cuda
