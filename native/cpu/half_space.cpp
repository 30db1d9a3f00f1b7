// The fused optimizer step of lib/compile/update.ts: base update, statistics of every group,
// penalty, half-space projection and norm ceiling.
//
// Free elements (in no group, or in a group without a ceiling) are read and written once; d never
// reaches memory. A taken group is known only when its sums are, so it takes two passes: the first
// moves the state and sums, the second finds d again from the state and moves x. All that the
// second pass needs follows from three sums, X = ||x||^2, S = x.d, D = ||d||^2, because with
//
//   xh = keep x - rate d,   keep = 1 - rate (decoupled decay + lambda / (||x|| + 1e-8))
//
// we have xh.x = keep X - rate S and ||xh||^2 = keep^2 X - 2 keep rate S + rate^2 D.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels.h"
#include "parallel.h"
#include "update_passes.h"

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
  result.move = {static_cast<float>(scale * keep), static_cast<float>(scale * rate)};
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
    parallel_strips([&](Strip strip) { advance(run, strip); });
    finish_groups(run);
    bool any_taken = false;
    for (int64_t g = 0; g < plan_.groups() && !any_taken; ++g) any_taken = is_taken(run, g);
    if (any_taken) parallel_strips([&](Strip strip) { project(run, strip); });
  }

 private:
  struct Run {
    Hyper hyper;
    Rule rule;
    Slice arena;
    const double* ceilings;  // [groups]
    Statistics* statistics;  // [groups]
    Sums* sums;              // [slots]
    Move* moves;             // [groups], of taken groups
    double shrink;           // decoupled weight decay
    Move free;               // of everything else
  };

  Run run_of(const Buffers& buffers) const {
    check(buffers.inputs[0] == buffers.outputs[0], ErrorCode::Internal,
          "update: the parameters are not updated in place");
    const Hyper hyper = *buffers.in<Hyper>(2 + states_);
    const double shrink = decoupled_ ? hyper.weight_decay : 0.0;
    Sums* sums = static_cast<Sums*>(buffers.scratch);
    return {hyper,
            rule_of_(hyper),
            {buffers.out(0), buffers.in(1), buffers.out(1), buffers.out(states_)},
            buffers.in<double>(3 + states_),
            buffers.out<Statistics>(1 + states_),
            sums,
            reinterpret_cast<Move*>(sums + plan_.slots()),
            shrink,
            {static_cast<float>(1.0 - hyper.learning_rate * shrink),
             static_cast<float>(hyper.learning_rate)}};
  }

  template <class Visit>
  void parallel_strips(Visit&& visit) const {
    parallel_for(plan_.tasks(), plan_.tasks() * kPiece,
                 [&](int64_t task) { plan_.for_each_strip(task, visit); });
  }

  static bool is_taken(const Run& run, int64_t group) {
    return group != kNoGroup && run.ceilings[group] != std::numeric_limits<double>::infinity();
  }

  static Slice slice_of(const Run& run, const Piece& piece) {
    const Slice& a = run.arena;
    return {a.x + piece.offset, a.gradient + piece.offset, a.first + piece.offset,
            a.second + piece.offset};
  }

  // First pass: free elements are done with, taken ones only have their state moved.
  static void advance(const Run& run, Strip strip) {
    if (strip.size() == 1) return advance_piece(run, strip[0]);
    Move moves[kStrip];
    for (size_t p = 0; p < strip.size(); ++p) {
      moves[p] = is_taken(run, strip[p].group) ? kStay : run.free;
    }
    advance_strip(run.rule, slice_of(run, strip[0]), strip.data(), strip.size(), moves, run.sums);
  }

  static void advance_piece(const Run& run, const Piece& piece) {
    const Slice at = slice_of(run, piece);
    const bool taken = is_taken(run, piece.group);
    Sums sums;
    if (piece.stride != 1) {
      sums = advance_strided(run.rule, at, piece.length, piece.stride, taken ? kStay : run.free);
    } else if (taken) {
      advance_run<Rule, false>(run.rule, at, piece.length, kStay, &sums);
    } else {
      advance_run<Rule, true>(run.rule, at, piece.length, run.free, &sums);
    }
    if (piece.group != kNoGroup) run.sums[piece.slot] = sums;
  }

  // Between the passes: what happens to each group.
  void finish_groups(const Run& run) const {
    constexpr int64_t kTogether = 1024;
    parallel_pieces(plan_.groups(), kTogether, [&](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g) finish_group(run, g);
    });
  }

  void finish_group(const Run& run, int64_t g) const {
    Sums total;
    for (int64_t slot = plan_.first_slot(g); slot < plan_.first_slot(g + 1); ++slot) {
      total.squared_norm += run.sums[slot].squared_norm;
      total.slope += run.sums[slot].slope;
      total.squared_direction += run.sums[slot].squared_direction;
    }
    if (is_taken(run, g)) {
      const Decision decision = decide(run.hyper, run.shrink, run.ceilings[g], total);
      run.statistics[g] = decision.statistics;
      run.moves[g] = decision.move;
    } else {
      run.statistics[g] = {total.squared_norm, total.slope, total.squared_direction, 0, 0, 0};
    }
  }

  // Second pass: taken groups move.
  static void project(const Run& run, Strip strip) {
    if (strip.size() == 1) return project_piece(run, strip[0]);
    Move moves[kStrip];
    bool any_taken = false;
    for (size_t p = 0; p < strip.size(); ++p) {
      const bool taken = is_taken(run, strip[p].group);
      moves[p] = taken ? run.moves[strip[p].group] : kStay;
      any_taken |= taken;
    }
    if (!any_taken) return;
    move_strip(run.rule, slice_of(run, strip[0]), strip.data(), strip.size(), moves);
  }

  static void project_piece(const Run& run, const Piece& piece) {
    if (!is_taken(run, piece.group)) return;
    move_run(run.rule, slice_of(run, piece), piece.length, piece.stride, run.moves[piece.group]);
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
