// How the parameter arena is cut for the update kernel: every element in exactly one piece, no piece
// long, pieces in the order of memory. Each piece of a group has a slot for its partial sums; the
// slots of a group lie together, so that a group's total is a sum in a fixed order.
#pragma once

#include <cstdint>
#include <vector>

#include "../device.h"

namespace halfspace::cpu {

struct Piece {
  int64_t offset;
  int64_t stride;
  int32_t length;
  // kNoGroup for elements outside all groups, which have no slot.
  int32_t group;
  int32_t slot;
};

inline constexpr int32_t kNoGroup = -1;

class UpdatePlan {
 public:
  // Reads the attributes `groupCount` and `spans` (group, offset, length, stride; flattened) for
  // an arena of `elements`. Throws ErrorCode::Shape where spans leave the arena or overlap.
  UpdatePlan(const StepMeta& step, int64_t elements);

  int64_t groups() const { return static_cast<int64_t>(first_slot_.size()) - 1; }
  int64_t slots() const { return first_slot_.back(); }
  int64_t first_slot(int64_t group) const { return first_slot_[group]; }

  // Tasks are runs of pieces of similar cost: pieces [task_begin(t), task_begin(t + 1)).
  int64_t tasks() const { return static_cast<int64_t>(task_begin_.size()) - 1; }
  const Piece* task_begin(int64_t task) const { return pieces_.data() + task_begin_[task]; }

 private:
  void assign_slots(int64_t groups);
  void cut_tasks();

  std::vector<Piece> pieces_;
  std::vector<int64_t> first_slot_;
  std::vector<int64_t> task_begin_;
};

}  // namespace halfspace::cpu
