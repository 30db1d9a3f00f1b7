// Element-wise kernels over tensors that are views of memory: every operand has a step along each
// axis of a walk (semantics/strided.h). Movement, layouts and broadcasting are all such walks.
#pragma once

#include <limits>

#include "../semantics/strided.h"
#include "grid.cuh"

namespace halfspace::cuda {

// Division by a number that is known at launch. Below 2^31 a multiplication and a shift do it:
// with l = ceil(log2 d) and m = floor(2^32 (2^l - d) / d) + 1, n / d = (n + (n m >> 32)) >> l.
template <class Index>
struct Divisor {
  Index value = 1;

  Divisor() = default;
  explicit Divisor(int64_t divisor) : value(static_cast<Index>(divisor)) {}
  __device__ Index quotient(Index n) const { return n / value; }
};

template <>
struct Divisor<uint32_t> {
  uint32_t value = 1, magic = 1, shift = 0;

  Divisor() = default;
  explicit Divisor(int64_t divisor) : value(static_cast<uint32_t>(divisor)) {
    while ((uint64_t{1} << shift) < value) ++shift;
    magic =
        static_cast<uint32_t>((uint64_t{1} << 32) * ((uint64_t{1} << shift) - value) / value + 1);
  }
  __device__ uint32_t quotient(uint32_t n) const {
    const auto high = static_cast<uint32_t>(static_cast<uint64_t>(n) * magic >> 32);
    return (n + high) >> shift;
  }
};

// A walk as kernels take it, by value. The last operand is the output; the innermost axis advances
// by kWidth elements at a time.
template <int kOperands, class Index>
struct Axes {
  static constexpr int kMost = 8;
  int count = 0;
  Index items = 0;
  Divisor<Index> sizes[kMost];
  int64_t steps[kMost][kOperands] = {};
  // Operands that stand still along the innermost axis.
  bool repeats[kOperands] = {};

  Axes(const Walk<kOperands>& walk, int64_t width)
      : count(static_cast<int>(walk.axes().size())),
        items(static_cast<Index>(walk.elements() / width)) {
    for (int axis = 0; axis < count; ++axis) {
      const int64_t together = axis + 1 == count ? width : 1;
      const auto& from = walk.axes()[axis];
      sizes[axis] = Divisor<Index>(from.size / together);
      for (int k = 0; k < kOperands; ++k) steps[axis][k] = from.steps[k] * together;
    }
    for (int k = 0; k < kOperands; ++k) repeats[k] = walk.steps()[k] == 0;
  }

  // Where item number `index` lies in each operand.
  __device__ void find(Index index, int64_t (&at)[kOperands]) const {
#pragma unroll
    for (int k = 0; k < kOperands; ++k) at[k] = 0;
    for (int axis = count - 1; axis > 0; --axis) {
      const Index rest = sizes[axis].quotient(index);
      add(axis, index - rest * sizes[axis].value, at);
      index = rest;
    }
    add(0, index, at);
  }

 private:
  __device__ void add(int axis, Index index, int64_t (&at)[kOperands]) const {
#pragma unroll
    for (int k = 0; k < kOperands; ++k) at[k] += static_cast<int64_t>(index) * steps[axis][k];
  }
};

// The walk itself, where a launch can take it.
template <size_t kOperands>
const Walk<kOperands>& checked(const StepMeta& step, const Walk<kOperands>& walk) {
  constexpr size_t kMost = Axes<kOperands, int64_t>::kMost;
  step.expect(walk.axes().size() <= kMost, "more than ", kMost, " axes that cannot be joined");
  return walk;
}

template <int kWidth>
__device__ inline Vector<kWidth> load_or_repeat(const AnyArray& array, int64_t at, bool repeats) {
  if constexpr (kWidth == 1) {
    return array.load<1>(at);
  } else {
    if (!repeats) return array.load<kWidth>(at);
    const float value = array.load<1>(at).at[0];
    Vector<kWidth> result;
#pragma unroll
    for (int lane = 0; lane < kWidth; ++lane) result.at[lane] = value;
    return result;
  }
}

// The inputs and then the output of an element-wise kernel, each of its own element type: a number that
// scales a bf16 image is a float.
template <int kInputs>
struct WalkOperands {
  AnyArray at[kInputs + 1];
};

template <int kWidth, int kInputs, class Index, class Function>
__global__ void map_walk_kernel(Function f, WalkOperands<kInputs> operands,
                                Axes<kInputs + 1, Index> axes) {
  for (int64_t i = first_item(); i < static_cast<int64_t>(axes.items); i += item_step()) {
    int64_t at[kInputs + 1];
    axes.find(static_cast<Index>(i), at);
    Vector<kWidth> x[kInputs];
#pragma unroll
    for (int k = 0; k < kInputs; ++k) {
      x[k] = load_or_repeat<kWidth>(operands.at[k], at[k], axes.repeats[k]);
    }
    operands.at[kInputs].store(at[kInputs], lanewise<kInputs>(f, x));
  }
}

// Whether every operand can be read or written in whole vectors: along the innermost axis it moves
// by one or, an input, not at all, and every other step keeps it aligned.
template <size_t kOperands>
bool is_wide(const Walk<kOperands>& walk) {
  const auto& axes = walk.axes();
  bool wide = axes.back().size % kWide == 0 && axes.back().steps[kOperands - 1] == 1;
  for (size_t k = 0; k < kOperands; ++k) {
    const int64_t inner = axes.back().steps[k];
    wide = wide && (inner == 0 || inner == 1);
    for (size_t axis = 0; axis + 1 < axes.size(); ++axis) {
      wide = wide && (inner == 0 || axes[axis].steps[k] % kWide == 0);
    }
  }
  return wide;
}

// An element-wise kernel over a walk, made ready once.
template <int kInputs, class Function>
class WalkMap {
 public:
  // Where the walk begins in each operand, in elements.
  using Origins = typename Walk<kInputs + 1>::Offsets;

  WalkMap(const StepMeta& step, const Walk<kInputs + 1>& walk, const Origins& origins = {})
      : walk_(checked(step, walk)), wide_(is_wide(walk)), origins_(origins) {
    for (int k = 0; k < kInputs; ++k) types_[k] = step.inputs[k].dtype;
    types_[kInputs] = step.outputs[0].dtype;
  }

  void run(const Context& context, const Function& f, const Buffers& buffers) const {
    const bool small = walk_.elements() <= std::numeric_limits<int32_t>::max();
    if (walk_.elements() == 0) return;
    const WalkOperands<kInputs> operands = operands_of(buffers);
    if (wide_ && aligned(operands)) {
      small ? start<kWide, uint32_t>(context, f, operands)
            : start<kWide, int64_t>(context, f, operands);
    } else {
      small ? start<1, uint32_t>(context, f, operands) : start<1, int64_t>(context, f, operands);
    }
  }

 private:
  // Inputs are only read.
  WalkOperands<kInputs> operands_of(const Buffers& buffers) const {
    WalkOperands<kInputs> operands{};
    for (int k = 0; k <= kInputs; ++k) {
      void* data = k < kInputs ? const_cast<void*>(buffers.inputs[k]) : buffers.outputs[0];
      operands.at[k] = AnyArray{data, types_[k]}.from(origins_[k]);
    }
    return operands;
  }

  // Inputs that repeat are read one element at a time.
  bool aligned(const WalkOperands<kInputs>& operands) const {
    bool aligned = true;
    for (int k = 0; k <= kInputs; ++k) {
      aligned = aligned && (walk_.steps()[k] == 0 || operands.at[k].is_wide());
    }
    return aligned;
  }

  template <int kWidth, class Index>
  void start(const Context& context, const Function& f,
             const WalkOperands<kInputs>& operands) const {
    const Axes<kInputs + 1, Index> axes(walk_, kWidth);
    launch(context.stream(), context.cover(walk_.elements() / kWidth),
           map_walk_kernel<kWidth, kInputs, Index, Function>, f, operands, axes);
  }

  Walk<kInputs + 1> walk_;
  bool wide_;
  Origins origins_;
  DType types_[kInputs + 1];
};

}  // namespace halfspace::cuda
