// The fused optimizer step of lib/compile/update.ts: base update, statistics of every group, penalty,
// half-space projection and norm ceiling.
//
// Free elements (in no group, or in a group without a ceiling) are read and written once; d never
// reaches memory. A taken group is known only when its sums are, so it takes two passes: the first
// moves the state and sums, the second finds d again from the state and moves x. All that the second
// pass needs follows from three sums, X = ||x||^2, S = x.d, D = ||d||^2, because with
//
//   xh = keep x - rate d,   keep = 1 - rate (decoupled decay + lambda / (||x|| + 1e-8))
//
// we have xh.x = keep X - rate S and ||xh||^2 = keep^2 X - 2 keep rate S + rate^2 D.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels.h"
#include "parallel.h"
#include "update_plan.h"
#include "update_rules.h"

namespace halfspace::cpu {
namespace {

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

struct Sums {
  double squared_norm = 0.0, slope = 0.0, squared_direction = 0.0;
};

// x becomes keep x - rate d, or zero.
struct Move {
  float keep, rate;
  bool zero;
};

// Accumulators of one lane each, added pairwise at the end: sums in the same order on every machine.
constexpr int64_t kLanes = 16;

struct LaneSums {
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

// First pass over a contiguous piece: the state moves, and x too unless its group is taken.
template <class Rule, bool kMoves>
HALFSPACE_SIMD void advance(const Rule rule, const Slice at, int64_t count, float keep, float rate,
                            Sums* sums) {
  LaneSums lanes;
  const int64_t full = count - count % kLanes;
  const auto element = [&](int64_t i, int64_t lane) __attribute__((always_inline)) {
    const float x = at.x[i];
    const float d = rule.advance(at, i);
    lanes.add(lane, x, d);
    if (kMoves) at.x[i] = keep * x - rate * d;
  };
  for (int64_t i = 0; i < full; i += kLanes) {
#pragma omp simd
    for (int64_t lane = 0; lane < kLanes; ++lane) element(i + lane, lane);
  }
  for (int64_t i = full; i < count; ++i) element(i, i - full);
  *sums = lanes.total();
}

template <class Rule, bool kMoves>
void advance_strided(const Rule& rule, const Slice& at, int64_t count, int64_t stride, float keep,
                     float rate, Sums* sums) {
  Sums total;
  for (int64_t i = 0; i < count * stride; i += stride) {
    const double x = at.x[i];
    const float d = rule.advance(at, i);
    total.squared_norm += x * x;
    total.slope += x * d;
    total.squared_direction += static_cast<double>(d) * d;
    if (kMoves) at.x[i] = keep * at.x[i] - rate * d;
  }
  *sums = total;
}

// Second pass, over the pieces of taken groups.
template <class Rule>
HALFSPACE_SIMD void project(const Rule rule, const Slice at, int64_t count, int64_t stride,
                            float keep, float rate) {
  if (stride == 1) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) at.x[i] = keep * at.x[i] - rate * rule.again(at, i);
  } else {
    for (int64_t i = 0; i < count * stride; i += stride) {
      at.x[i] = keep * at.x[i] - rate * rule.again(at, i);
    }
  }
}

void clear(float* x, int64_t count, int64_t stride) {
  for (int64_t i = 0; i < count * stride; i += stride) x[i] = 0.0f;
}

// The penalty of a taken group, larger where the base direction would let it grow.
double penalty(const Hyper& h, const Sums& sums) {
  if (sums.slope >= 0.0) return h.lambda;
  const double norm = std::sqrt(sums.squared_norm);
  const double low = -sums.slope / norm;
  const double high = -sums.squared_direction * norm / sums.slope;
  const double amplified = std::min(std::max(h.amplify * low, h.lambda), h.lambda * h.hat);
  return amplified >= high ? (low + high) / 2.0 : amplified;
}

struct Decision {
  Statistics statistics;
  Move move;
};

constexpr Move kToZero{0.0f, 0.0f, true};

// What happens to a taken group with these sums; `shrink` is the decoupled decay.
Decision decide(const Hyper& h, double shrink, double ceiling, const Sums& s) {
  Decision result{{s.squared_norm, s.slope, s.squared_direction, 0.0, 0.0, 1.0}, kToZero};
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
  const double reached = std::sqrt(std::max(squared, 0.0));
  const double scale = reached > ceiling ? ceiling / reached : 1.0;
  result.statistics.zero = 0.0;
  result.move = {static_cast<float>(scale * keep), static_cast<float>(scale * rate), false};
  return result;
}

// parameters gradients state... hyper ceilings -> parameters state... statistics
template <class Rule>
class Update : public Kernel {
 public:
  Update(const StepMeta& step, size_t states, Rule (*rule_of)(const Hyper&), bool decoupled)
      : plan_(step, step.inputs[0].elements()),
        states_(states),
        rule_of_(rule_of),
        decoupled_(decoupled) {}

  // [slots] partial sums, then [groups] moves
  size_t scratch_bytes() const override {
    return plan_.slots() * sizeof(Sums) + plan_.groups() * sizeof(Move);
  }

  void run(const Buffers& buffers) override {
    const Run run = run_of(buffers);
    parallel_tasks([&](const Piece& piece) { advance_piece(run, piece); });
    bool any_taken = false;
    for (int64_t g = 0; g < plan_.groups(); ++g) any_taken |= is_taken(run, g);
    finish_groups(run);
    if (any_taken) parallel_tasks([&](const Piece& piece) { project_piece(run, piece); });
  }

 private:
  struct Run {
    Hyper hyper;
    Rule rule;
    Slice arena;
    const double* ceilings;   // [groups]
    Statistics* statistics;   // [groups]
    Sums* partial;            // [slots]
    Move* moves;              // [groups]
    double shrink;
    float keep, rate;  // of free elements
  };

  Run run_of(const Buffers& buffers) const {
    check(buffers.inputs[0] == buffers.outputs[0], ErrorCode::Internal,
          "update: the parameters are not updated in place");
    const Hyper hyper = *buffers.in<Hyper>(2 + states_);
    Sums* partial = static_cast<Sums*>(buffers.scratch);
    const double shrink = decoupled_ ? hyper.weight_decay : 0.0;
    return {hyper,
            rule_of_(hyper),
            {buffers.out(0), buffers.in(1), buffers.out(1), buffers.out(states_)},
            buffers.in<double>(3 + states_),
            buffers.out<Statistics>(1 + states_),
            partial,
            reinterpret_cast<Move*>(partial + plan_.slots()),
            shrink,
            static_cast<float>(1.0 - hyper.learning_rate * shrink),
            static_cast<float>(hyper.learning_rate)};
  }

  template <class Visit>
  void parallel_tasks(Visit&& visit) const {
    parallel_for(plan_.tasks(), plan_.tasks() * kPiece, [&](int64_t task) {
      for (const Piece* p = plan_.task_begin(task); p != plan_.task_begin(task + 1); ++p) visit(*p);
    });
  }

  static bool is_taken(const Run& run, int64_t group) {
    return group != kNoGroup && run.ceilings[group] != std::numeric_limits<double>::infinity();
  }

  static Slice slice_of(const Run& run, const Piece& piece) {
    const Slice& a = run.arena;
    return {a.x + piece.offset, a.gradient + piece.offset, a.first + piece.offset,
            a.second + piece.offset};
  }

  static void advance_piece(const Run& run, const Piece& piece) {
    Sums unused;
    Sums* sums = piece.group == kNoGroup ? &unused : run.partial + piece.slot;
    const Slice at = slice_of(run, piece);
    if (is_taken(run, piece.group)) advance_as<false>(run, at, piece, sums);
    else advance_as<true>(run, at, piece, sums);
  }

  template <bool kMoves>
  static void advance_as(const Run& run, const Slice& at, const Piece& piece, Sums* sums) {
    if (piece.stride == 1) {
      advance<Rule, kMoves>(run.rule, at, piece.length, run.keep, run.rate, sums);
    } else {
      advance_strided<Rule, kMoves>(run.rule, at, piece.length, piece.stride, run.keep, run.rate,
                                    sums);
    }
  }

  void finish_groups(const Run& run) const {
    parallel_pieces(plan_.groups(), 1024, [&](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g) {
        const Sums sums = total_of(run, g);
        if (is_taken(run, g)) {
          const Decision decision = decide(run.hyper, run.shrink, run.ceilings[g], sums);
          run.statistics[g] = decision.statistics;
          run.moves[g] = decision.move;
        } else {
          run.statistics[g] = {sums.squared_norm, sums.slope, sums.squared_direction, 0, 0, 0};
        }
      }
    });
  }

  Sums total_of(const Run& run, int64_t group) const {
    Sums total;
    for (int64_t slot = plan_.first_slot(group); slot < plan_.first_slot(group + 1); ++slot) {
      total.squared_norm += run.partial[slot].squared_norm;
      total.slope += run.partial[slot].slope;
      total.squared_direction += run.partial[slot].squared_direction;
    }
    return total;
  }

  static void project_piece(const Run& run, const Piece& piece) {
    if (!is_taken(run, piece.group)) return;
    const Move& move = run.moves[piece.group];
    const Slice at = slice_of(run, piece);
    if (move.zero) clear(at.x, piece.length, piece.stride);
    else project(run.rule, at, piece.length, piece.stride, move.keep, move.rate);
  }

  UpdatePlan plan_;
  size_t states_;
  Rule (*rule_of_)(const Hyper&);
  bool decoupled_;
};

template <bool kNesterov>
Sgd<kNesterov> sgd_of(const Hyper& h) {
  return {static_cast<float>(h.momentum), static_cast<float>(h.weight_decay)};
}

template <bool kDecoupled>
Adam adam_of(const Hyper& h) {
  return {static_cast<float>(h.momentum),
          static_cast<float>(h.beta2),
          static_cast<float>(1.0 - h.momentum),
          static_cast<float>(1.0 - h.beta2),
          static_cast<float>(kDecoupled ? 0.0 : h.weight_decay),
          static_cast<float>(h.adam_epsilon),
          static_cast<float>(1.0 / (1.0 - std::pow(h.momentum, h.step))),
          static_cast<float>(1.0 / (1.0 - std::pow(h.beta2, h.step)))};
}

void expect_operands(const StepMeta& step, size_t states) {
  step.expect_arity(4 + states, 4 + states, 2 + states, 2 + states);
  const int64_t elements = step.inputs[0].elements(), groups = step.attrs.integer("groupCount");
  const auto expect = [&](const TensorMeta& meta, DType dtype, int64_t count, const char* what) {
    step.expect(meta.dtype == dtype && meta.elements() == count && !meta.is_blocked(), "expected ",
                count, " ", name_of(dtype), " of ", what, ", got ", meta.text());
  };
  for (size_t i = 0; i < 2 + states; ++i) {
    expect(step.inputs[i], DType::F32, elements, "parameters, gradients or state");
  }
  for (size_t i = 0; i < 1 + states; ++i) {
    expect(step.outputs[i], DType::F32, elements, "parameters or state");
  }
  expect(step.inputs[2 + states], DType::F64, 10, "hyper");
  expect(step.inputs[3 + states], DType::F64, groups, "ceilings");
  expect(step.outputs[1 + states], DType::F64, groups * 6, "statistics");
}

}  // namespace

std::unique_ptr<Kernel> make_update(const StepMeta& step) {
  const std::string rule = step.attrs.text("rule");
  step.expect(rule == "sgd" || rule == "adam" || rule == "adamw", "unknown rule '", rule, "'");
  const size_t states = rule == "sgd" ? 1 : 2;
  expect_operands(step, states);
  if (rule == "adam") return std::make_unique<Update<Adam>>(step, states, adam_of<false>, false);
  if (rule == "adamw") return std::make_unique<Update<Adam>>(step, states, adam_of<true>, true);
  if (step.attrs.flag("nesterov", false)) {
    return std::make_unique<Update<Sgd<true>>>(step, states, sgd_of<true>, false);
  }
  return std::make_unique<Update<Sgd<false>>>(step, states, sgd_of<false>, false);
}

}  // namespace halfspace::cpu
