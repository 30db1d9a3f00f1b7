#include "chain_builder.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "liveness.h"

namespace halfspace {
namespace {

class ChainBuilder {
 public:
  explicit ChainBuilder(const ChainContext& context)
      : slots_(context.slots), readers_(context.readers), slices_(context.slices), backwards_(context.backwards) {}

  DraftStep build(std::vector<DraftStep>& steps, const std::vector<size_t>& members) {
    find_operands(steps, members);
    Chain chain{slices_, backwards_, {}, {}, inputs_.size(), 0};
    for (size_t slot : inputs_) add_operand(chain, slot, is_cut(slot) ? Part::Slice : Part::Whole);
    for (size_t slot : outputs_) add_operand(chain, slot, is_cut(slot) ? Part::Slice : Part::Sum);
    for (size_t slot : locals_) add_operand(chain, slot, Part::Local);
    DraftStep draft;
    draft.meta.label = steps[members.front()].meta.label;
    for (size_t index : members) {
      draft.meta.kernel += (draft.meta.kernel.empty() ? "" : " ") + steps[index].meta.kernel;
      chain.links.push_back(link(steps[index]));
    }
    place_locals(chain);
    draft.kernel = nullptr;
    draft.inputs = std::move(inputs_);
    draft.outputs = std::move(outputs_);
    draft.chain = std::make_shared<Chain>(std::move(chain));
    return draft;
  }

 private:
  bool is_cut(size_t slot) const { return halfspace::is_cut(slots_[slot].meta); }

  void find_operands(const std::vector<DraftStep>& steps, const std::vector<size_t>& members) {
    std::vector<size_t> read, written;
    for (size_t index : members) {
      read.insert(read.end(), steps[index].inputs.begin(), steps[index].inputs.end());
      written.insert(written.end(), steps[index].outputs.begin(), steps[index].outputs.end());
    }
    std::sort(read.begin(), read.end());
    // A slice that was written here and is read only here.
    const auto is_local = [&](size_t slot) {
      const auto [first, last] = std::equal_range(read.begin(), read.end(), slot);
      return is_cut(slot) && slots_[slot].storage.kind == StorageKind::Temporary && first != last &&
             static_cast<size_t>(last - first) == readers_[slot];
    };
    for (size_t slot : written) (is_local(slot) ? locals_ : outputs_).push_back(slot);
    std::sort(written.begin(), written.end());
    read.erase(std::unique(read.begin(), read.end()), read.end());
    std::set_difference(read.begin(), read.end(), written.begin(), written.end(), std::back_inserter(inputs_));
  }

  void add_operand(Chain& chain, size_t slot, Part part) {
    const TensorMeta& meta = slots_[slot].meta;
    const int64_t elements = meta.stored_elements();
    numbers_.push_back({slot, chain.operands.size()});
    chain.operands.push_back({part, meta.dtype, is_cut(slot) ? elements / slices_ : elements});
  }

  Link link(DraftStep& step) const {
    Link link{std::move(step.meta), step.kernel, {}, {}};
    for (std::vector<TensorMeta>* metas : {&link.meta.inputs, &link.meta.outputs}) {
      for (TensorMeta& meta : *metas) {
        if (halfspace::is_cut(meta)) meta.dims[0] /= slices_;
      }
    }
    for (size_t slot : step.inputs) link.inputs.push_back(number_of(slot));
    for (size_t slot : step.outputs) link.outputs.push_back(number_of(slot));
    return link;
  }

  size_t number_of(size_t slot) const {
    return std::find_if(numbers_.begin(), numbers_.end(), [&](const auto& it) { return it.first == slot; })->second;
  }

  static void place_locals(Chain& chain) {
    Liveness liveness(kAlignment);
    for (size_t time = 0; time < chain.links.size(); ++time) {
      const auto touch = [&](size_t operand) {
        const ChainOperand& it = chain.operands[operand];
        if (it.part == Part::Local) liveness.touch(operand, it.bytes(), time);
      };
      for (size_t operand : chain.links[time].inputs) touch(operand);
      for (size_t operand : chain.links[time].outputs) touch(operand);
    }
    for (const auto& [operand, offset] : liveness.place()) chain.operands[operand].offset = offset;
    chain.local_bytes = liveness.total_bytes();
  }

  const std::vector<Slot>& slots_;
  const std::vector<size_t>& readers_;
  int64_t slices_;
  bool backwards_;
  std::vector<size_t> inputs_, outputs_, locals_;    // slots
  std::vector<std::pair<size_t, size_t>> numbers_;  // a slot and its number among the operands
};

}  // namespace

DraftStep build_chain(std::vector<DraftStep>& steps, const std::vector<size_t>& members,
                      const ChainContext& context) {
  return ChainBuilder(context).build(steps, members);
}

}  // namespace halfspace
