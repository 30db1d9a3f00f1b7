// One chain made of steps that were found to join.
#pragma once

#include <vector>

#include "layout_pass.h"

namespace halfspace {

// Whether a chain takes slices of the tensor: only blocked images hold the batch as their first axis.
inline bool is_cut(const TensorMeta& tensor) { return tensor.is_image() && tensor.is_blocked(); }

struct ChainContext {
  const std::vector<Slot>& slots;
  // By slot, how many steps read it.
  const std::vector<size_t>& readers;
  int64_t slices;
  bool backwards;
};

// `members` number the steps in order; what a link needs of them is moved out.
DraftStep build_chain(std::vector<DraftStep>& steps, const std::vector<size_t>& members,
                      const ChainContext& context);

}  // namespace halfspace
