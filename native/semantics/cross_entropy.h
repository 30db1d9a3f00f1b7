// The targets of softmax cross entropy, given as labels or as distributions:
//
//   loss = -mean over rows of sum_k t_k log p_k,   dlogits = (p - t) / rows,
//   t_k = (1 - smoothing) target_k + smoothing / K
//
// An integer label of -1 marks a padding row: nothing of it counts.
#pragma once

#include "../device.h"
#include "portable.h"

namespace halfspace {

struct Targets {
  int64_t rows, classes;
  double smoothing;
  bool dense;

  int64_t elements() const { return rows * classes; }

  HALFSPACE_INLINE bool counts(const void* labels, int64_t row) const {
    return dense || static_cast<const int32_t*>(labels)[row] >= 0;
  }
  HALFSPACE_INLINE bool is_valid(int32_t label) const { return label >= -1 && label < classes; }

  // The label, or where the target distribution is largest first.
  HALFSPACE_INLINE int64_t label(const void* labels, int64_t row) const {
    if (!dense) return static_cast<const int32_t*>(labels)[row];
    const float* target = static_cast<const float*>(labels) + row * classes;
    int64_t largest = 0;
    for (int64_t k = 1; k < classes; ++k) largest = target[k] > target[largest] ? k : largest;
    return largest;
  }

  HALFSPACE_INLINE double target(const void* labels, int64_t row, int64_t k) const {
    const double hard = dense ? static_cast<const float*>(labels)[row * classes + k]
                              : static_cast<double>(static_cast<const int32_t*>(labels)[row] == k);
    return (1.0 - smoothing) * hard + smoothing / static_cast<double>(classes);
  }
};

// Checks the operands, logits f32[N,K] and labels i32[N] or f32[N,K].
Targets targets_of(const StepMeta& step, const TensorMeta& logits, const TensorMeta& labels);

// Labels come from outside, so they are checked in every run.
[[noreturn]] void refuse_label(const Targets& targets, int32_t label, int64_t row);

}  // namespace halfspace
