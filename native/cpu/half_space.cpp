// The fused optimizer step of lib/compile/update.ts: base update, statistics of every group,
// penalty, half-space projection and norm ceiling.
//
// Free elements (in no group, or in a group without a ceiling) are read and written once; d never
// reaches memory. Taken groups take the two passes of semantics/half_space.h.
#include "kernels.h"
#include "parallel.h"
#include "update_passes.h"

namespace halfspace::cpu {
namespace {

// parameters gradients state... hyper ceilings -> parameters state... statistics
template <class Rule>
class Update : public Kernel {
 public:
  explicit Update(const StepMeta& step)
      : plan_(step, step.inputs[0].elements(), {kPiece, kStrip, kStrip}) {}

  // [slots] partial sums, then [groups] moves
  size_t scratch_bytes() const override {
    return plan_.slots() * sizeof(Sums) + plan_.groups() * sizeof(Move);
  }

  void run(const Buffers& buffers) override {
    const Run run = run_of(buffers);
    parallel_strips([&](Strip strip) { advance(run, strip); });
    finish_groups(run);
    bool any_taken = false;
    for (int64_t g = 0; g < plan_.groups() && !any_taken; ++g) any_taken = takes(run, g);
    if (any_taken) parallel_strips([&](Strip strip) { project(run, strip); });
  }

 private:
  static constexpr size_t kStates = Rule::kStates;

  struct Run {
    Hyper hyper;
    Rule rule;
    Slice arena;
    const double* ceilings;  // [groups]
    Statistics* statistics;  // [groups]
    Sums* sums;              // [slots]
    Move* moves;             // [groups]
    Move free;               // of what is in no taken group
  };

  Run run_of(const Buffers& buffers) const {
    check(buffers.inputs[0] == buffers.outputs[0], ErrorCode::Internal,
          "update: the parameters are not updated in place");
    const Hyper hyper = *buffers.in<Hyper>(2 + kStates);
    Sums* sums = static_cast<Sums*>(buffers.scratch);
    return {hyper,
            Rule::of(hyper),
            {buffers.out(0), buffers.in(1), buffers.out(1), buffers.out(kStates)},
            buffers.in<double>(3 + kStates),
            buffers.out<Statistics>(1 + kStates),
            sums,
            reinterpret_cast<Move*>(sums + plan_.slots()),
            free_move(hyper, shrink_of<Rule>(hyper))};
  }

  template <class Visit>
  void parallel_strips(Visit&& visit) const {
    parallel_for(plan_.tasks(), plan_.tasks() * kPiece,
                 [&](int64_t task) { plan_.for_each_strip(task, visit); });
  }

  static bool takes(const Run& run, int64_t group) {
    return group != kNoGroup && is_taken(run.ceilings[group]);
  }

  // First pass: free elements are done with, taken ones only have their state moved.
  static void advance(const Run& run, Strip strip) {
    if (strip.size() == 1) return advance_piece(run, strip[0]);
    Move moves[kStrip];
    for (size_t p = 0; p < strip.size(); ++p) {
      moves[p] = takes(run, strip[p].group) ? Move::stay() : run.free;
    }
    advance_strip(run.rule, run.arena.at(strip[0].offset), strip.data(), strip.size(), moves,
                  run.sums);
  }

  static void advance_piece(const Run& run, const Piece& piece) {
    const Slice at = run.arena.at(piece.offset);
    const bool taken = takes(run, piece.group);
    Sums sums;
    if (piece.stride != 1) {
      sums = advance_strided(run.rule, at, piece.length, piece.stride,
                             taken ? Move::stay() : run.free);
    } else if (taken) {
      advance_run<Rule, false>(run.rule, at, piece.length, Move::stay(), &sums);
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
      total += run.sums[slot];
    }
    const Decision decision = decide(run.hyper, shrink_of<Rule>(run.hyper), run.ceilings[g], total);
    run.statistics[g] = decision.statistics;
    run.moves[g] = decision.move;
  }

  // Second pass: taken groups move.
  static void project(const Run& run, Strip strip) {
    if (strip.size() == 1) return project_piece(run, strip[0]);
    Move moves[kStrip];
    bool any_taken = false;
    for (size_t p = 0; p < strip.size(); ++p) {
      const bool taken = takes(run, strip[p].group);
      moves[p] = taken ? run.moves[strip[p].group] : Move::stay();
      any_taken |= taken;
    }
    if (!any_taken) return;
    move_strip(run.rule, run.arena.at(strip[0].offset), strip.data(), strip.size(), moves);
  }

  static void project_piece(const Run& run, const Piece& piece) {
    if (!takes(run, piece.group)) return;
    move_run(run.rule, run.arena.at(piece.offset), piece.length, piece.stride,
             run.moves[piece.group]);
  }

  UpdatePlan plan_;
};

struct Maker {
  const StepMeta& step;

  template <class Rule>
  std::unique_ptr<Kernel> operator()() const {
    return std::make_unique<Update<Rule>>(step);
  }
};

}  // namespace

std::unique_ptr<Kernel> make_update(const StepMeta& step) { return with_rule(step, Maker{step}); }

}  // namespace halfspace::cpu
