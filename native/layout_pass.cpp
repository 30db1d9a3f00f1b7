#include "layout_pass.h"

#include <utility>

namespace halfspace {
namespace {

Layout first_image_layout(const StepMeta& meta) {
  for (const TensorMeta& tensor : meta.inputs) {
    if (tensor.is_image()) return tensor.layout;
  }
  return Layout::Blocked;
}

Layout layout_for(const DraftStep& draft, Operand operand) {
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

// An update in place works on the arena itself, so its image operands must stay plain.
void check_in_place(const Step& step, const DraftStep& draft) {
  for (size_t index = 0; index < step.outputs.size(); ++index) {
    bool moved = draft.outputs[index] != step.outputs[index];
    for (size_t input : step.inputs) {
      if (moved && input == step.outputs[index]) {
        fail(ErrorCode::Internal, "internal: ", draft.meta.describe(),
             ": updates an image in place in another layout");
      }
    }
  }
}

}  // namespace

LayoutPass::LayoutPass(const std::vector<Tensor>& tensors, const Device& device) : device_(device) {
  slots.reserve(tensors.size());
  for (const Tensor& tensor : tensors) {
    slots.push_back({TensorMeta{tensor.dtype, tensor.shape}, tensor.storage, tensor.name});
  }
}

void LayoutPass::add(Step step) {
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
  const std::vector<size_t> written = draft.outputs;
  steps.push_back(std::move(draft));
  for (size_t index = 0; index < written.size(); ++index) {
    store(written[index], step.outputs[index]);
  }
}

DraftStep LayoutPass::begin(Step& step) const {
  DraftStep draft;
  draft.meta = {std::move(step.kernel), {}, {}, std::move(step.attrs), std::move(step.label)};
  draft.meta.inputs.reserve(step.inputs.size());
  draft.meta.outputs.reserve(step.outputs.size());
  for (size_t tensor : step.inputs) draft.meta.inputs.push_back(slots[tensor].meta);
  for (size_t tensor : step.outputs) draft.meta.outputs.push_back(slots[tensor].meta);
  draft.kernel = device_.find(draft.meta.kernel);
  if (draft.kernel == nullptr) {
    fail(ErrorCode::Unsupported, draft.meta.describe(), ": this device has no such kernel");
  }
  return draft;
}

size_t LayoutPass::in_layout(size_t tensor, Layout layout) {
  if (slots[tensor].meta.layout == layout) return tensor;
  auto found = twins_.find(tensor);
  if (found != twins_.end()) return found->second;
  size_t twin = add_twin(tensor, layout);
  // What lies in an arena changes under the twin, so it serves one step.
  if (slots[tensor].storage.kind != StorageKind::Arena) twins_[tensor] = twin;
  reorder(tensor, twin);
  return twin;
}

size_t LayoutPass::to_layout(size_t tensor, Layout layout) {
  if (slots[tensor].storage.kind == StorageKind::Temporary) {
    lay_out(slots[tensor].meta, layout);
    return tensor;
  }
  if (layout == Layout::Plain) return tensor;
  size_t twin = add_twin(tensor, layout);
  if (slots[tensor].storage.kind == StorageKind::Output) twins_[tensor] = twin;
  return twin;
}

void LayoutPass::store(size_t slot, size_t tensor) {
  if (slot != tensor) reorder(slot, tensor);
}

size_t LayoutPass::add_twin(size_t tensor, Layout layout) {
  Slot twin = slots[tensor];
  lay_out(twin.meta, layout);
  twin.storage = {StorageKind::Temporary};
  slots.push_back(std::move(twin));
  return slots.size() - 1;
}

void LayoutPass::lay_out(TensorMeta& meta, Layout layout) const {
  const bool blocked = layout == Layout::Blocked;
  meta.layout = layout;
  meta.block = blocked ? device_.channel_block(meta.dim(1)) : 0;
  if (meta.is_image()) meta.dtype = blocked ? device_.image_type() : DType::F32;
}

void LayoutPass::reorder(size_t from, size_t to) {
  DraftStep draft;
  draft.meta = {"reorder", {slots[from].meta}, {slots[to].meta}, {}, std::string(slots[from].name)};
  draft.kernel = device_.find("reorder");
  check(draft.kernel != nullptr, ErrorCode::Internal, "internal: the device cannot reorder");
  draft.inputs = {from};
  draft.outputs = {to};
  steps.push_back(std::move(draft));
  ++reorders;
}

}  // namespace halfspace
