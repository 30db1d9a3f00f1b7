// The second half of planning: where everything lies, and which temporaries may share memory
// because they are never alive together.
#include "plan.h"

#include <unordered_map>
#include <utility>

#include "chain_pass.h"
#include "layout_pass.h"
#include "liveness.h"

namespace halfspace {
namespace {

// Decides where each slot lies and drops the steps that both sides of one buffer make needless.
class PlacePass {
 public:
  PlacePass(const std::vector<Slot>& slots, const Entry& entry)
      : slots_(slots), alias_(slots.size()) {
    for (size_t slot = 0; slot < slots.size(); ++slot) alias_[slot] = slot;
    description_.name = entry.name;
    for (size_t index : entry.inputs) {
      description_.input_bytes += add_port(index, description_.inputs);
    }
    for (size_t index : entry.outputs) {
      description_.output_bytes += add_port(index, description_.outputs);
    }
  }

  EntryPlan run(std::vector<DraftStep> steps) {
    std::vector<DraftStep*> kept;
    for (DraftStep& step : steps) {
      if (vanishes(step)) {
        alias_[step.outputs[0]] = alias_[step.inputs[0]];
        ++description_.aliases;
      } else {
        kept.push_back(&step);
      }
    }
    place_temporaries(kept);
    description_.steps = kept.size();
    EntryPlan plan{std::move(description_), {}};
    plan.steps.reserve(kept.size());
    for (DraftStep* step : kept) {
      plan.steps.push_back({std::move(step->meta),
                            step->kernel,
                            {places(step->inputs), places(step->outputs)},
                            std::move(step->chain)});
    }
    return plan;
  }

 private:
  // The next port lies behind all that are there; gives the bytes that it takes.
  size_t add_port(size_t slot, std::vector<Port>& ports) {
    const TensorMeta& meta = slots_[slot].meta;
    size_t offset = description_.input_bytes + description_.output_bytes;
    ports.push_back({std::string(slots_[slot].name), meta, offset});
    in_out_[slot] = offset;
    return align_up(meta.bytes());
  }

  // A temporary may be its source under another name, unless the source can change meanwhile.
  bool vanishes(const DraftStep& step) const {
    return step.outputs.size() == 1 && step.inputs.size() == 1 &&
           slots_[step.outputs[0]].storage.kind == StorageKind::Temporary &&
           slots_[step.inputs[0]].storage.kind != StorageKind::Arena &&
           step.kernel && step.kernel->alias(step.meta);
  }

  void place_temporaries(const std::vector<DraftStep*>& steps) {
    Liveness liveness(kAlignment);
    for (size_t time = 0; time < steps.size(); ++time) {
      for (size_t slot : steps[time]->inputs) touch(liveness, slot, time);
      for (size_t slot : steps[time]->outputs) touch(liveness, slot, time);
    }
    temporary_ = liveness.place();
    description_.temporary_bytes = liveness.total_bytes();
  }

  void touch(Liveness& liveness, size_t slot, size_t time) const {
    size_t root = alias_[slot];
    if (slots_[root].storage.kind != StorageKind::Temporary) return;
    liveness.touch(root, slots_[root].meta.bytes(), time);
  }

  std::vector<Place> places(const std::vector<size_t>& slots) const {
    std::vector<Place> result;
    result.reserve(slots.size());
    for (size_t slot : slots) result.push_back(place(alias_[slot]));
    return result;
  }

  Place place(size_t root) const {
    const Slot& slot = slots_[root];
    switch (slot.storage.kind) {
      case StorageKind::Arena:
        return {kFirstArena + slot.storage.arena,
                static_cast<size_t>(slot.storage.offset) * size_of(slot.meta.dtype)};
      case StorageKind::Temporary:
        return {kTemporary, temporary_.at(root)};
      default:
        return {kInOut, in_out(root)};
    }
  }

  // An output that the entry does not list is still written; it must be listed to have a place.
  size_t in_out(size_t root) const {
    auto found = in_out_.find(root);
    check(found != in_out_.end(), ErrorCode::Internal, "internal: '", slots_[root].name,
          "' is written as an output that its entry does not list");
    return found->second;
  }

  EntryDescription description_;
  const std::vector<Slot>& slots_;
  std::vector<size_t> alias_;
  std::unordered_map<size_t, size_t> in_out_;
  std::unordered_map<size_t, size_t> temporary_;
};

}  // namespace

EntryPlan plan_entry(const std::vector<Tensor>& tensors, Entry entry, const Device& device, int lanes) {
  LayoutPass layouts(tensors, device);
  for (Step& step : entry.steps) layouts.add(std::move(step));
  std::vector<DraftStep> steps = chained(std::move(layouts.steps), layouts.slots, device, lanes);
  PlacePass places(layouts.slots, entry);
  EntryPlan plan = places.run(std::move(steps));
  plan.entry.reorders = layouts.reorders;
  return plan;
}

}  // namespace halfspace
