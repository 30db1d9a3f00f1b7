#include "chain_pass.h"

#include <algorithm>
#include <utility>

#include "chain_builder.h"

namespace halfspace {
namespace {

// The largest slice of an image, if the batch leaves the choice: a few of them fit a core's cache.
constexpr size_t kSliceBytes = 400 << 10;
// Where the batch has so many images, slices enough for several cores to share evenly.
constexpr int64_t kSlices = 4;
// What a step may read whole or sum up at every slice; made ready for minimal filtering it is four times that.
constexpr size_t kWholeBytes = 96 << 10;
// Steps that a chain may leave behind to reach one that joins.
constexpr size_t kLeft = 3;

template <class Visit>
void for_each_operand(const DraftStep& step, Visit&& visit) {
  for (size_t i = 0; i < step.inputs.size(); ++i) visit(step.inputs[i], step.meta.inputs[i]);
  for (size_t i = 0; i < step.outputs.size(); ++i) visit(step.outputs[i], step.meta.outputs[i]);
}

// Images of the batch that a step cuts, 0 where it cannot be cut.
int64_t batch_of(const DraftStep& step) {
  if (!step.kernel->by_image(step.meta)) return 0;
  int64_t batch = 0;
  size_t whole = 0;
  bool equal = true;
  for_each_operand(step, [&](size_t, const TensorMeta& meta) {
    if (!is_cut(meta)) {
      whole += meta.bytes();
      return;
    }
    equal = equal && (batch == 0 || batch == meta.dim(0));
    batch = meta.dim(0);
  });
  return equal && whole <= kWholeBytes ? batch : 0;
}

// Whether both read or write one image.
bool share_image(const DraftStep& a, const DraftStep& b) {
  bool share = false;
  for_each_operand(a, [&](size_t slot, const TensorMeta& meta) {
    for_each_operand(b, [&](size_t other, const TensorMeta&) {
      share = share || (slot == other && is_cut(meta));
    });
  });
  return share;
}

// Whether the memory of two slots may be the same.
bool overlap(const Slot& a, const Slot& b) {
  if (&a == &b) return true;
  if (a.storage.kind != StorageKind::Arena || b.storage.kind != StorageKind::Arena) return false;
  return a.storage.arena == b.storage.arena && a.storage.offset < b.storage.offset + b.meta.elements() &&
         b.storage.offset < a.storage.offset + a.meta.elements();
}

class ChainPass {
 public:
  ChainPass(std::vector<DraftStep> steps, std::vector<Slot>& slots, const Device& device, int lanes)
      : slots_(slots), device_(device), lanes_(lanes) {
    expand(std::move(steps));
    count_readers();
    absorb();
    count_readers();
  }

  std::vector<DraftStep> run() {
    std::vector<DraftStep> result;
    taken_.resize(steps_.size());
    chain_of_.assign(slots_.size(), 0);
    bool backwards = false;
    for (size_t begin = 0; begin < steps_.size(); ++begin) {
      if (taken_[begin]) continue;
      const std::vector<size_t> members = members_from(begin);
      const int64_t slices = members.size() > 1 ? slices_of(members) : 0;
      if (slices >= lanes_) {
        for (size_t index : members) taken_[index] = true;
        result.push_back(build_chain(steps_, members, {slots_, readers_, slices, backwards}));
        backwards = !backwards;
      } else {
        result.push_back(std::move(steps_[begin]));
      }
    }
    return result;
  }

 private:
  void add(DraftStep step, int64_t batch) {
    steps_.push_back(std::move(step));
    batches_.push_back(batch);
  }

  // Puts stages in the place of steps that have them, where a neighbour is there to be joined.
  void expand(std::vector<DraftStep> steps) {
    std::vector<int64_t> batches;
    steps_.reserve(2 * steps.size());
    for (const DraftStep& step : steps) batches.push_back(batch_of(step));
    const auto joins = [&](size_t index, size_t neighbour) {
      return neighbour < steps.size() && batches[neighbour] > 0 && share_image(steps[index], steps[neighbour]);
    };
    std::vector<bool> staged;
    for (size_t i = 0; i < steps.size(); ++i) {
      staged.push_back(steps[i].kernel->stages && (joins(i, i - 1) || joins(i, i + 1)));
    }
    for (size_t i = 0; i < steps.size(); ++i) {
      if (staged[i]) {
        add_stages(steps[i]);
      } else {
        add(std::move(steps[i]), batches[i]);
      }
    }
  }

  void add_stages(const DraftStep& step) {
    const Stages stages = step.kernel->stages(step.meta);
    const size_t between = slots_.size();
    for (const TensorMeta& meta : stages.between) {
      slots_.push_back({meta, {StorageKind::Temporary}, step.meta.label});
    }
    const auto slot_of = [&](const StageOperand& operand) {
      switch (operand.of) {
        case StageOperand::Of::Input:
          return step.inputs[operand.index];
        case StageOperand::Of::Output:
          return step.outputs[operand.index];
        default:
          return between + operand.index;
      }
    };
    for (const Stage& stage : stages.stages) {
      DraftStep draft;
      draft.meta = {stage.kernel, {}, {}, stage.attrs, step.meta.label};
      draft.kernel = device_.find(stage.kernel);
      for (const StageOperand& operand : stage.inputs) {
        draft.inputs.push_back(slot_of(operand));
        draft.meta.inputs.push_back(slots_[draft.inputs.back()].meta);
      }
      for (const StageOperand& operand : stage.outputs) {
        draft.outputs.push_back(slot_of(operand));
        draft.meta.outputs.push_back(slots_[draft.outputs.back()].meta);
      }
      const int64_t batch = batch_of(draft);
      add(std::move(draft), batch);
    }
  }

  void count_readers() {
    readers_.assign(slots_.size(), 0);
    for (const DraftStep& step : steps_) {
      for (size_t slot : step.inputs) ++readers_[slot];
    }
  }

  // Lets steps do what their producers did, where these have no other reader and what they read is still there.
  void absorb() {
    std::vector<size_t> producers(slots_.size(), steps_.size());
    std::vector<std::pair<size_t, size_t>> arena_writes;  // step, slot
    std::vector<bool> gone(steps_.size());
    for (size_t index = 0; index < steps_.size(); ++index) {
      DraftStep& step = steps_[index];
      const size_t own = step.inputs.size();
      for (size_t input = 0; input < own && step.kernel->absorb; ++input) {
        const size_t slot = step.inputs[input], producer = producers[slot];
        if (producer == steps_.size() || readers_[slot] != 1) continue;
        if (slots_[slot].storage.kind != StorageKind::Temporary || rewritten(producer, arena_writes)) continue;
        gone[producer] = absorbed(step, input, steps_[producer]);
        if (gone[producer]) batches_[index] = batch_of(step);
      }
      for (size_t slot : step.outputs) {
        producers[slot] = index;
        if (slots_[slot].storage.kind == StorageKind::Arena) arena_writes.push_back({index, slot});
      }
    }
    remove(gone);
  }

  // Whether one of `writes`, a step and a slot each, came after `producer` and changed what that had read.
  bool rewritten(size_t producer, const std::vector<std::pair<size_t, size_t>>& writes) const {
    const auto after = std::partition_point(writes.begin(), writes.end(),
                                            [&](const auto& write) { return write.first <= producer; });
    return std::any_of(after, writes.end(), [&](const auto& write) {
      const std::vector<size_t>& inputs = steps_[producer].inputs;
      return std::any_of(inputs.begin(), inputs.end(),
                         [&](size_t input) { return overlap(slots_[input], slots_[write.second]); });
    });
  }

  bool absorbed(DraftStep& step, size_t input, const DraftStep& producer) const {
    std::optional<Absorbed> merged = step.kernel->absorb(step.meta, input, producer.meta);
    if (!merged) return false;
    std::vector<size_t> slots = step.inputs;
    slots.insert(slots.end(), producer.inputs.begin(), producer.inputs.end());
    step.kernel = device_.find(merged->kernel);
    step.meta.kernel = merged->kernel;
    step.meta.attrs = std::move(merged->attrs);
    step.meta.inputs.clear();
    step.inputs.clear();
    for (size_t number : merged->inputs) {
      step.inputs.push_back(slots[number]);
      step.meta.inputs.push_back(slots_[slots[number]].meta);
    }
    return true;
  }

  void remove(const std::vector<bool>& gone) {
    size_t kept = 0;
    for (size_t index = 0; index < steps_.size(); ++index) {
      if (gone[index]) continue;
      if (kept != index) steps_[kept] = std::move(steps_[index]);
      batches_[kept++] = batches_[index];
    }
    steps_.resize(kept);
    batches_.resize(kept);
  }

  // The steps that run with the one at `begin`: those behind it that have an image in common with them and
  // may overtake the few that do not join.
  std::vector<size_t> members_from(size_t begin) {
    std::vector<size_t> members = {begin}, left;
    if (batches_[begin] == 0) return members;
    const size_t chain = begin + 1;
    mark(begin, chain);
    for (size_t index = begin + 1; index < steps_.size() && left.size() <= kLeft; ++index) {
      if (taken_[index]) continue;
      if (batches_[index] == batches_[begin] && joins(steps_[index], chain, left)) {
        members.push_back(index);
        mark(index, chain);
      } else {
        left.push_back(index);
      }
    }
    return members;
  }

  // Notes that the images of a step, and what it sums up, are the chain's.
  void mark(size_t index, size_t chain) {
    const DraftStep& step = steps_[index];
    for (size_t slot : step.outputs) chain_of_[slot] = chain;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (is_cut(step.meta.inputs[i])) chain_of_[step.inputs[i]] = chain;
    }
  }

  bool joins(const DraftStep& step, size_t chain, const std::vector<size_t>& left) const {
    bool related = false, waits = false;
    for_each_operand(step, [&](size_t slot, const TensorMeta& meta) {
      if (chain_of_[slot] != chain) return;
      (is_cut(meta) ? related : waits) = true;
    });
    return related && !waits && std::none_of(left.begin(), left.end(), [&](size_t other) {
             return depends(step, steps_[other]);
           });
  }

  // Whether the order of two steps matters.
  bool depends(const DraftStep& step, const DraftStep& other) const {
    const auto meet = [&](const std::vector<size_t>& some, const std::vector<size_t>& others) {
      return std::any_of(some.begin(), some.end(), [&](size_t a) {
        return std::any_of(others.begin(), others.end(), [&](size_t b) { return overlap(slots_[a], slots_[b]); });
      });
    };
    return meet(step.inputs, other.outputs) || meet(step.outputs, other.inputs) ||
           meet(step.outputs, other.outputs);
  }

  int64_t slices_of(const std::vector<size_t>& members) const {
    const int64_t batch = batches_[members.front()];
    size_t image = 1;
    for (size_t index : members) {
      for_each_operand(steps_[index], [&](size_t, const TensorMeta& meta) {
        if (is_cut(meta)) image = std::max(image, meta.bytes() / static_cast<size_t>(batch));
      });
    }
    int64_t slices = batch;
    for (int64_t fewer = batch; fewer >= std::min(batch, kSlices); --fewer) {
      const bool fits = batch % fewer == 0 && batch / fewer * image <= kSliceBytes;
      if (fits) slices = fewer;
    }
    return slices;
  }

  std::vector<Slot>& slots_;
  const Device& device_;
  int64_t lanes_;
  std::vector<DraftStep> steps_;
  std::vector<int64_t> batches_;   // by step, see `batch_of`
  std::vector<bool> taken_;        // by step
  std::vector<size_t> readers_;    // by slot, how many steps read it
  std::vector<size_t> chain_of_;  // by slot, the number of the last chain that it is part of
};

}  // namespace

std::vector<DraftStep> chained(std::vector<DraftStep> steps, std::vector<Slot>& slots, const Device& device,
                               int lanes) {
  return ChainPass(std::move(steps), slots, device, lanes).run();
}

}  // namespace halfspace
