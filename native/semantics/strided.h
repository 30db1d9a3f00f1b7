// Walks over several tensors at once that are views of memory: a shape, and for each operand the
// step between neighbours along every axis (0 where it repeats). Movement, broadcasting and
// reduction are all such walks; the innermost axis is handed out as a run.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "../device.h"

namespace halfspace {

// Dimensions in memory: those of a blocked image are [N, blocks, H, W, block].
inline Dims stored_dims(const TensorMeta& meta) {
  if (!meta.is_blocked()) return meta.dims;
  return {meta.dim(0), meta.blocks(), meta.dim(2), meta.dim(3), meta.block};
}

// Steps between neighbours of a dense row-major tensor.
inline Dims dense_strides(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

// Strides of `dims` seen as `shape`, which it broadcasts to by ONNX's rules.
inline Dims broadcast_strides(const Dims& dims, const Dims& shape) {
  Dims strides(shape.size(), 0);
  const Dims dense = dense_strides(dims);
  const size_t missing = shape.size() - dims.size();
  for (size_t i = 0; i < dims.size(); ++i) strides[missing + i] = dims[i] == 1 ? 0 : dense[i];
  return strides;
}

inline bool broadcasts_to(const Dims& dims, const Dims& shape) {
  if (dims.size() > shape.size()) return false;
  const size_t missing = shape.size() - dims.size();
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] != 1 && dims[i] != shape[missing + i]) return false;
  }
  return true;
}

// Operands that are all images with the same channels can meet in the blocked layout, where
// repeating along any other axis works as in the plain one.
inline Wanted blocked_where_channels_agree(const StepMeta& step, Operand) {
  std::vector<TensorMeta> operands = step.inputs;
  operands.insert(operands.end(), step.outputs.begin(), step.outputs.end());
  const bool agree = std::all_of(operands.begin(), operands.end(), [&](const TensorMeta& meta) {
    return meta.is_image() && meta.dims[1] == operands[0].dims[1];
  });
  return agree ? Wanted::Blocked : Wanted::Plain;
}

// A number repeats everywhere, whatever the layout of what it meets.
inline bool is_number(const TensorMeta& meta) { return meta.elements() == 1 && !meta.is_image(); }

template <size_t kOperands>
class Walk {
 public:
  using Offsets = std::array<int64_t, kOperands>;

  struct Axis {
    int64_t size;
    Offsets steps;
  };

  Walk(const Dims& dims, const std::array<Dims, kOperands>& strides) {
    for (size_t axis = 0; axis < dims.size(); ++axis) {
      if (dims[axis] == 1) continue;
      Offsets steps;
      for (size_t k = 0; k < kOperands; ++k) steps[k] = strides[k][axis];
      append(dims[axis], steps);
    }
    if (axes_.empty()) append(1, Offsets{});
    for (size_t i = 0; i + 1 < axes_.size(); ++i) rows_ *= axes_[i].size;
  }

  // Number of runs, their length, and the step of each operand inside one.
  int64_t rows() const { return rows_; }
  int64_t run() const { return axes_.back().size; }
  const Offsets& steps() const { return axes_.back().steps; }
  int64_t elements() const { return rows_ * run(); }
  // Outermost first; neighbours that all operands walk in one stride are one axis.
  const std::vector<Axis>& axes() const { return axes_; }

  // Where run number `row` starts in each operand.
  Offsets offsets(int64_t row) const {
    Offsets offsets{};
    for (size_t i = axes_.size() - 1; i-- > 0;) {
      const int64_t index = row % axes_[i].size;
      row /= axes_[i].size;
      for (size_t k = 0; k < kOperands; ++k) offsets[k] += index * axes_[i].steps[k];
    }
    return offsets;
  }

 private:
  // Joins an axis to the one before it where every operand walks both in one stride.
  void append(int64_t size, const Offsets& steps) {
    if (!axes_.empty()) {
      Axis& last = axes_.back();
      bool joins = true;
      for (size_t k = 0; k < kOperands; ++k) joins &= last.steps[k] == steps[k] * size;
      if (joins) {
        last = {last.size * size, steps};
        return;
      }
    }
    axes_.push_back({size, steps});
  }

  std::vector<Axis> axes_;
  int64_t rows_ = 1;
};

}  // namespace halfspace
