// The first half of planning: which layout every tensor has, and where a reorder must stand. A device
// that keeps images in bf16 keeps blocked ones so, and a reorder converts.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "chain.h"
#include "device.h"
#include "program.h"

namespace halfspace {

// A tensor of a program or one that planning added: the same values in another layout.
struct Slot {
  TensorMeta meta;
  Storage storage;
  std::string_view name;  // the program's
};

struct DraftStep {
  StepMeta meta;
  const KernelEntry* kernel;
  std::vector<size_t> inputs;   // slots
  std::vector<size_t> outputs;  // slots
  // Set, and `kernel` null, where this is several steps in one.
  std::shared_ptr<const Chain> chain;
};

// Gives every image a layout: an image in planned memory has the layout that its producer writes,
// everything that the host sees is plain. A reorder stands wherever a step wants the other one.
class LayoutPass {
 public:
  LayoutPass(const std::vector<Tensor>& tensors, const Device& device);

  // Appends a step of the program, with the reorders it needs around it.
  void add(Step step);

  std::vector<Slot> slots;
  std::vector<DraftStep> steps;
  size_t reorders = 0;

 private:
  // Takes all of the step but its operands.
  DraftStep begin(Step& step) const;
  // The slot that holds `tensor` in `layout`, reordered into it where there is none yet.
  size_t in_layout(size_t tensor, Layout layout);
  // The slot a step writes when it makes `tensor` in `layout`.
  size_t to_layout(size_t tensor, Layout layout);
  void store(size_t slot, size_t tensor);
  size_t add_twin(size_t tensor, Layout layout);
  void lay_out(TensorMeta& meta, Layout layout) const;
  void reorder(size_t from, size_t to);

  const Device& device_;
  // For a tensor, the slot with its values in the other layout.
  std::unordered_map<size_t, size_t> twins_;
};

}  // namespace halfspace
