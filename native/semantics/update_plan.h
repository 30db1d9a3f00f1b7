// How the parameter arena is cut for the update kernel: every element in exactly one piece, no
// piece long, pieces in the order of memory. Each piece of a group has a slot for its partial sums;
// the slots of a group lie together, so that a group's total is a sum in a fixed order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "../device.h"

namespace halfspace {

inline constexpr int32_t kNoGroup = -1;

struct Piece {
  int64_t offset;
  int32_t stride;
  int32_t length;
  // kNoGroup for elements outside all groups, which have no slot.
  int32_t group;
  int32_t slot;
};

// Pieces that are processed in one go: one piece, or short ones that touch each other in memory.
using Strip = std::span<const Piece>;

// How finely a device wants it: most elements of a piece, of a strip of several pieces, and of each
// piece of such a strip.
struct UpdateCut {
  int64_t piece, strip, part;
};

class UpdatePlan {
 public:
  // Reads the attributes `groupCount` and `spans` (group, offset, length, stride; flattened) for
  // an arena of `elements`. Throws ErrorCode::Shape where spans leave the arena or overlap.
  UpdatePlan(const StepMeta& step, int64_t elements, UpdateCut cut);

  int64_t groups() const { return static_cast<int64_t>(first_slot_.size()) - 1; }
  int64_t slots() const { return first_slot_.back(); }
  int64_t first_slot(int64_t group) const { return first_slot_[group]; }

  // All pieces in the order of memory, and for each strip where in them it ends.
  const std::vector<Piece>& pieces() const { return pieces_; }
  const std::vector<int32_t>& strip_ends() const { return strip_end_; }

  // Tasks are runs of strips of similar cost.
  int64_t tasks() const { return static_cast<int64_t>(task_end_.size()); }
  template <class Visit>
  void for_each_strip(int64_t task, Visit&& visit) const {
    for (int64_t s = task == 0 ? 0 : task_end_[task - 1]; s < task_end_[task]; ++s) {
      const int32_t begin = s == 0 ? 0 : strip_end_[s - 1];
      visit(Strip(pieces_.data() + begin, pieces_.data() + strip_end_[s]));
    }
  }

 private:
  void assign_slots(int64_t groups);
  void cut_strips(UpdateCut cut);

  std::vector<Piece> pieces_;
  std::vector<int64_t> first_slot_;
  std::vector<int32_t> strip_end_;
  std::vector<int64_t> task_end_;
};

}  // namespace halfspace
