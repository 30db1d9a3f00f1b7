// The fused optimizer step of lib/compile/update.ts: base update, statistics of every group,
// penalty, half-space projection and norm ceiling, by the formulas of semantics/half_space.h.
//
//   advance   a warp a strip: base update of free elements, state of taken ones, sums of each piece
//   decide    the sums of a group in order, and what becomes of it: a thread for a group of few
//             pieces, a block for one of many
//   project   a warp a strip: x of taken groups
//
// Strips cost alike, from a handful of huge groups to a million tiny ones, so the work is balanced.
#include "kernels.h"
#include "memory.h"
#include "update_passes.cuh"

namespace halfspace::cuda {
namespace {

constexpr int kWarps = kThreads / kWarp;

// What is the same for all elements, fetched once a block. All threads of the block come here.
template <class Rule>
struct Common {
  Rule rule;
  Move free;

  __device__ static Common of(const Hyper* hyper) {
    __shared__ Common common;
    if (threadIdx.x == 0) {
      common = {Rule::of(*hyper), free_move(*hyper, shrink_of<Rule>(*hyper))};
    }
    __syncthreads();
    return common;
  }
};

__device__ int32_t first_strip() {
  return static_cast<int32_t>(blockIdx.x * kWarps + threadIdx.x / kWarp);
}
__device__ int32_t strip_step() { return static_cast<int32_t>(gridDim.x * kWarps); }

__device__ Touching touching(const UpdateRun& run, int32_t begin, int32_t end) {
  return {run.pieces + begin, end - begin, run.pieces[begin].offset};
}

template <class Rule>
__global__ void advance(UpdateRun run) {
  __shared__ Stage stages[kWarps];
  const auto common = Common<Rule>::of(run.hyper);
  for (int32_t strip = first_strip(); strip < run.strips; strip += strip_step()) {
    const int32_t begin = run.strip_begin(strip), end = run.strip_ends[strip];
    if (end - begin == 1) {
      advance_piece(run, common.rule, common.free, run.pieces[begin]);
    } else {
      advance_touching(run, common.rule, common.free, touching(run, begin, end),
                       stages[threadIdx.x / kWarp]);
    }
  }
}

template <class Rule>
__global__ void project(UpdateRun run) {
  __shared__ Stage stages[kWarps];
  const auto common = Common<Rule>::of(run.hyper);
  for (int32_t strip = first_strip(); strip < run.strips; strip += strip_step()) {
    const int32_t begin = run.strip_begin(strip), end = run.strip_ends[strip];
    if (end - begin == 1) {
      project_piece(run, common.rule, run.pieces[begin]);
    } else {
      project_touching(run, common.rule, touching(run, begin, end), stages[threadIdx.x / kWarp]);
    }
  }
}

// Groups and where their slots are: slots first[g] to first[g + 1] belong to group g.
struct Groups {
  const int32_t* ids;
  const int64_t* first;
  int32_t count;
};

template <class Rule>
__device__ void decide_group(const UpdateRun& run, int32_t group, const Sums& total) {
  const Decision decision =
      decide(*run.hyper, shrink_of<Rule>(*run.hyper), run.ceilings[group], total);
  run.statistics[group] = decision.statistics;
  run.moves[group] = decision.move;
}

template <class Rule>
__global__ void decide_small(UpdateRun run, Groups groups) {
  for (int64_t i = first_item(); i < groups.count; i += item_step()) {
    const int32_t group = groups.ids[i];
    Sums total;
    for (int64_t slot = groups.first[group]; slot < groups.first[group + 1]; ++slot) {
      total += run.sums[slot];
    }
    decide_group<Rule>(run, group, total);
  }
}

template <class Rule>
__global__ void decide_large(UpdateRun run, Groups groups) {
  const int32_t group = groups.ids[blockIdx.x];
  Sums part;
  for (int64_t slot = groups.first[group] + threadIdx.x; slot < groups.first[group + 1];
       slot += kThreads) {
    part += run.sums[slot];
  }
  double sums[3] = {part.squared_norm, part.slope, part.squared_direction};
  fold_block(sums, 1);
  if (threadIdx.x == 0) decide_group<Rule>(run, group, {sums[0], sums[1], sums[2]});
}

// A plan as the device holds it.
class DevicePlan {
 public:
  explicit DevicePlan(const UpdatePlan& plan)
      : groups_(plan.groups()),
        slots_(plan.slots()),
        strips_(static_cast<int32_t>(plan.strip_ends().size())),
        small_count_(static_cast<int32_t>(groups_of(plan, false).size())),
        pieces_(plan.pieces()),
        strip_ends_(plan.strip_ends()),
        first_slots_(first_slots_of(plan)),
        small_(groups_of(plan, false)),
        large_(groups_of(plan, true)) {}

  int64_t groups() const { return groups_; }
  int64_t slots() const { return slots_; }
  int32_t strips() const { return strips_; }
  const Piece* pieces() const { return pieces_.data(); }
  const int32_t* strip_ends() const { return strip_ends_.data(); }

  // Those whose slots one thread adds, and those that need a block each.
  Groups small() const { return {small_.data(), first_slots_.data(), small_count_}; }
  Groups large() const {
    return {large_.data(), first_slots_.data(), static_cast<int32_t>(groups_) - small_count_};
  }

 private:
  static constexpr int64_t kFewSlots = 32;

  static std::vector<int64_t> first_slots_of(const UpdatePlan& plan) {
    std::vector<int64_t> first;
    for (int64_t g = 0; g <= plan.groups(); ++g) first.push_back(plan.first_slot(g));
    return first;
  }
  static std::vector<int32_t> groups_of(const UpdatePlan& plan, bool large) {
    std::vector<int32_t> ids;
    for (int64_t g = 0; g < plan.groups(); ++g) {
      const bool many = plan.first_slot(g + 1) - plan.first_slot(g) > kFewSlots;
      if (many == large) ids.push_back(static_cast<int32_t>(g));
    }
    return ids;
  }

  int64_t groups_, slots_;
  int32_t strips_, small_count_;
  DeviceTable<Piece> pieces_;
  DeviceTable<int32_t> strip_ends_;
  DeviceTable<int64_t> first_slots_;
  DeviceTable<int32_t> small_, large_;
};

// parameters gradients state... hyper ceilings -> parameters state... statistics
template <class Rule>
class Update final : public CudaKernel {
 public:
  explicit Update(const StepMeta& step)
      : plan_(UpdatePlan(step, step.inputs[0].elements(), kCut)) {}

  // [slots] partial sums, then [groups] moves
  size_t scratch_bytes() const override {
    return plan_.slots() * sizeof(Sums) + plan_.groups() * sizeof(Move);
  }

  void run(const Buffers& buffers) override {
    const UpdateRun run = run_of(buffers);
    if (run.strips == 0) return;
    const Grid strips = context_.cover(static_cast<int64_t>(run.strips) * kWarp);
    launch(stream(), strips, advance<Rule>, run);
    if (plan_.groups() == 0) return;
    if (const Groups groups = plan_.small(); groups.count > 0) {
      launch(stream(), context_.cover(groups.count), decide_small<Rule>, run, groups);
    }
    if (const Groups groups = plan_.large(); groups.count > 0) {
      launch(stream(), {dim3(static_cast<unsigned>(groups.count))}, decide_large<Rule>, run,
             groups);
    }
    launch(stream(), strips, project<Rule>, run);
  }

 private:
  static constexpr size_t kStates = Rule::kStates;

  UpdateRun run_of(const Buffers& buffers) const {
    check(buffers.inputs[0] == buffers.outputs[0], ErrorCode::Internal,
          "update: the parameters are not updated in place");
    float* second = kStates == 2 ? buffers.out(2) : nullptr;
    auto* sums = static_cast<Sums*>(buffers.scratch);
    return {.hyper = buffers.in<Hyper>(2 + kStates),
            .arena = {buffers.out(0), buffers.in(1), buffers.out(1), second},
            .wide = is_wide(buffers.out(0)) && is_wide(buffers.in(1)) && is_wide(buffers.out(1)) &&
                    is_wide(second),
            .pieces = plan_.pieces(),
            .strip_ends = plan_.strip_ends(),
            .strips = plan_.strips(),
            .ceilings = buffers.in<double>(3 + kStates),
            .statistics = buffers.out<Statistics>(1 + kStates),
            .sums = sums,
            .moves = reinterpret_cast<Move*>(sums + plan_.slots())};
  }

  DevicePlan plan_;
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

}  // namespace halfspace::cuda
