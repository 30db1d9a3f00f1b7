// Two passes: layouts first (which reorders are needed), then places (which temporaries may share
// memory because they are never alive together).
#include "plan.h"

#include <map>

#include "liveness.h"

namespace halfspace {
namespace {

// A tensor of the program or one that planning added: the same values in another layout.
struct Slot {
  TensorMeta meta;
  Storage storage;
  std::string name;
};

struct DraftStep {
  StepMeta meta;
  const KernelEntry* kernel;
  std::vector<size_t> inputs;   // slots
  std::vector<size_t> outputs;  // slots
};

// Gives every image a layout: an image in planned memory has the layout that its producer writes,
// everything that the host sees is plain. A reorder stands wherever a step wants the other one.
class LayoutPass {
 public:
  LayoutPass(const Program& program, const Device& device) : device_(device) {
    for (const Tensor& tensor : program.tensors) {
      slots.push_back({TensorMeta{tensor.dtype, tensor.shape}, tensor.storage, tensor.name});
    }
  }

  std::vector<Slot> slots;
  std::vector<DraftStep> steps;
  size_t reorders = 0;

  void add(const Step& step) {
    DraftStep draft = begin(step);
    for (size_t index = 0; index < step.inputs.size(); ++index) {
      Layout layout = layout_for(draft, {false, index});
      size_t slot = in_layout(step.inputs[index], layout);
      draft.inputs.push_back(slot);
      draft.meta.inputs[index] = slots[slot].meta;
    }
    for (size_t index = 0; index < step.outputs.size(); ++index) {
      Layout layout = layout_for(draft, {true, index});
      size_t slot = to_layout(step.outputs[index], layout);
      draft.outputs.push_back(slot);
      draft.meta.outputs[index] = slots[slot].meta;
    }
    check_in_place(step, draft);
    steps.push_back(draft);
    for (size_t index = 0; index < step.outputs.size(); ++index) {
      store(draft.outputs[index], step.outputs[index]);
    }
  }

 private:
  DraftStep begin(const Step& step) const {
    DraftStep draft;
    draft.meta = {step.kernel, {}, {}, step.attrs, step.label};
    for (size_t tensor : step.inputs) draft.meta.inputs.push_back(slots[tensor].meta);
    for (size_t tensor : step.outputs) draft.meta.outputs.push_back(slots[tensor].meta);
    draft.kernel = device_.find(step.kernel);
    check(draft.kernel != nullptr, ErrorCode::Unsupported, draft.meta.describe(),
          ": this device has no such kernel");
    return draft;
  }

  static Layout layout_for(const DraftStep& draft, Operand operand) {
    const StepMeta& meta = draft.meta;
    const TensorMeta& tensor =
        operand.output ? meta.outputs[operand.index] : meta.inputs[operand.index];
    if (!tensor.is_image()) return Layout::Plain;
    switch (draft.kernel->layout(meta, operand)) {
      case Wanted::Plain:
        return Layout::Plain;
      case Wanted::Blocked:
        return Layout::Blocked;
      case Wanted::Either:
        return first_image_layout(meta);
      case Wanted::Any:
        return operand.output ? Layout::Blocked : tensor.layout;
    }
    return Layout::Plain;
  }

  static Layout first_image_layout(const StepMeta& meta) {
    for (const TensorMeta& tensor : meta.inputs) {
      if (tensor.is_image()) return tensor.layout;
    }
    return Layout::Blocked;
  }

  // The slot that holds `tensor` in `layout`, reordered into it where there is none yet.
  size_t in_layout(size_t tensor, Layout layout) {
    if (slots[tensor].meta.layout == layout) return tensor;
    auto found = twins_.find(tensor);
    if (found != twins_.end()) return found->second;
    size_t twin = add_twin(tensor, layout);
    // What lies in an arena changes under the twin, so it serves one step.
    if (slots[tensor].storage.kind != StorageKind::Arena) twins_[tensor] = twin;
    reorder(tensor, twin);
    return twin;
  }

  // The slot a step writes when it makes `tensor` in `layout`.
  size_t to_layout(size_t tensor, Layout layout) {
    if (slots[tensor].storage.kind == StorageKind::Temporary) {
      slots[tensor].meta.layout = layout;
      return tensor;
    }
    if (layout == Layout::Plain) return tensor;
    size_t twin = add_twin(tensor, layout);
    if (slots[tensor].storage.kind == StorageKind::Output) twins_[tensor] = twin;
    return twin;
  }

  void store(size_t slot, size_t tensor) {
    if (slot != tensor) reorder(slot, tensor);
  }

  size_t add_twin(size_t tensor, Layout layout) {
    Slot twin = slots[tensor];
    twin.meta.layout = layout;
    twin.storage = {StorageKind::Temporary};
    slots.push_back(twin);
    return slots.size() - 1;
  }

  void reorder(size_t from, size_t to) {
    DraftStep draft;
    draft.meta = {"reorder", {slots[from].meta}, {slots[to].meta}, {}, slots[from].name};
    draft.kernel = device_.find("reorder");
    check(draft.kernel != nullptr, ErrorCode::Internal, "internal: the device cannot reorder");
    draft.inputs = {from};
    draft.outputs = {to};
    steps.push_back(draft);
    ++reorders;
  }

  // An update in place works on the arena itself, so its image operands must stay plain.
  static void check_in_place(const Step& step, const DraftStep& draft) {
    for (size_t index = 0; index < step.outputs.size(); ++index) {
      bool moved = draft.outputs[index] != step.outputs[index];
      for (size_t input : step.inputs) {
        check(!moved || input != step.outputs[index], ErrorCode::Internal, "internal: ",
              draft.meta.describe(), ": updates an image in place in another layout");
      }
    }
  }

  const Device& device_;
  // For a tensor, the slot with its values in the other layout.
  std::map<size_t, size_t> twins_;
};

// Decides where each slot lies and drops the steps that both sides of one buffer make needless.
class PlacePass {
 public:
  PlacePass(const std::vector<Slot>& slots, const Entry& entry) : slots_(slots), alias_(slots.size()) {
    for (size_t slot = 0; slot < slots.size(); ++slot) alias_[slot] = slot;
    for (size_t index : entry.inputs) add_port(index, plan.inputs);
    for (size_t index : entry.outputs) add_port(index, plan.outputs);
  }

  EntryPlan plan;

  void run(const std::vector<DraftStep>& steps) {
    std::vector<const DraftStep*> kept;
    for (const DraftStep& step : steps) {
      if (vanishes(step)) {
        alias_[step.outputs[0]] = alias_[step.inputs[0]];
        ++plan.aliases;
      } else {
        kept.push_back(&step);
      }
    }
    place_temporaries(kept);
    for (const DraftStep* step : kept) {
      plan.steps.push_back(
          {step->meta, step->kernel, places(step->inputs), places(step->outputs)});
    }
  }

 private:
  void add_port(size_t slot, std::vector<Port>& ports) {
    const TensorMeta& meta = slots_[slot].meta;
    ports.push_back({slots_[slot].name, meta, plan.in_out_bytes});
    in_out_[slot] = plan.in_out_bytes;
    plan.in_out_bytes += align(meta.bytes());
  }

  // A temporary may be its source under another name, unless the source can change meanwhile.
  bool vanishes(const DraftStep& step) const {
    return step.outputs.size() == 1 && step.inputs.size() == 1 &&
           slots_[step.outputs[0]].storage.kind == StorageKind::Temporary &&
           slots_[step.inputs[0]].storage.kind != StorageKind::Arena &&
           step.kernel->alias(step.meta);
  }

  void place_temporaries(const std::vector<const DraftStep*>& steps) {
    Liveness liveness(kAlignment);
    for (size_t time = 0; time < steps.size(); ++time) {
      for (size_t slot : steps[time]->inputs) touch(liveness, slot, time);
      for (size_t slot : steps[time]->outputs) touch(liveness, slot, time);
    }
    temporary_ = liveness.place();
    plan.temporary_bytes = liveness.total_bytes();
  }

  void touch(Liveness& liveness, size_t slot, size_t time) const {
    size_t root = alias_[slot];
    if (slots_[root].storage.kind != StorageKind::Temporary) return;
    liveness.touch(root, slots_[root].meta.bytes(), time);
  }

  std::vector<Place> places(const std::vector<size_t>& slots) const {
    std::vector<Place> result;
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

  static size_t align(size_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }

  const std::vector<Slot>& slots_;
  std::vector<size_t> alias_;
  std::map<size_t, size_t> in_out_;
  std::map<size_t, size_t> temporary_;
};

}  // namespace

EntryPlan plan_entry(const Program& program, const Entry& entry, const Device& device) {
  LayoutPass layouts(program, device);
  for (const Step& step : entry.steps) layouts.add(step);
  PlacePass places(layouts.slots, entry);
  places.plan.name = entry.name;
  places.plan.reorders = layouts.reorders;
  places.run(layouts.steps);
  return places.plan;
}

}  // namespace halfspace
