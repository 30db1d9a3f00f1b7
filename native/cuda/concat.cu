// Concatenation and its inverse, split: copies of contiguous runs. In memory the whole is
// [outer][row], and part i owns a run of `run` elements of every row, from `offset` on.
#include "../semantics/joining.h"
#include "kernels.h"
#include "walk.cuh"

namespace halfspace::cuda {
namespace {

template <class T>
struct Part {
  T* data;
  int64_t run, offset;
};

// As many as one launch takes; longer lists take several.
constexpr size_t kMostParts = 16;

template <class T>
struct Parts {
  Part<T> at[kMostParts];
};

enum class Direction { Join, Split };

template <Direction kDirection, int kWidth, class T>
__global__ void move_runs(Parts<T> parts, T* whole, int64_t outer, int64_t row) {
  const Part<T> part = parts.at[blockIdx.y];
  const int64_t vectors = part.run / kWidth;
  for (int64_t i = first_item(); i < outer * vectors; i += item_step()) {
    const int64_t at = i / vectors * row + part.offset + i % vectors * kWidth;
    if constexpr (kDirection == Direction::Join) {
      store(whole + at, load<kWidth>(part.data + i * kWidth));
    } else {
      store(part.data + i * kWidth, load<kWidth>(whole + at));
    }
  }
}

// How the parts lie in the whole.
struct Runs {
  int64_t outer = 1, row = 0, longest = 0;
  std::vector<int64_t> runs, offsets;
  bool wide = true;

  Runs(const std::vector<TensorMeta>& parts, size_t axis) {
    for (size_t before : axes_before(parts[0], axis)) outer *= parts[0].dim(before);
    for (const TensorMeta& part : parts) {
      const int64_t run = outer == 0 ? 0 : part.elements() / outer;
      runs.push_back(run);
      offsets.push_back(row);
      row += run;
      longest = std::max(longest, run);
      wide = wide && run % kWide == 0;
    }
  }

 private:
  // Those that change slower in memory.
  static std::vector<size_t> axes_before(const TensorMeta& part, size_t axis) {
    std::vector<size_t> order(part.rank());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    if (part.is_blocked()) order = {0, 2, 3, 1};
    order.erase(std::find(order.begin(), order.end(), axis), order.end());
    return order;
  }
};

template <Direction kDirection>
class MoveRuns final : public CudaKernel {
 public:
  MoveRuns(const StepMeta& step, size_t axis)
      : runs_(kDirection == Direction::Join ? step.inputs : step.outputs, axis),
        type_(step.inputs[0].dtype) {}

  void run(const Buffers& buffers) override {
    for (size_t first = 0; first < runs_.runs.size(); first += kMostParts) {
      const size_t count = std::min(kMostParts, runs_.runs.size() - first);
      with_element(type_, [&]<class T>(ElementType<T>) { move<T>(buffers, first, count); });
    }
  }

 private:
  template <class T>
  void move(const Buffers& buffers, size_t first, size_t count) const {
    Parts<T> parts{};
    T* whole = whole_of<T>(buffers);
    bool wide = runs_.wide && is_wide(whole);
    for (size_t i = 0; i < count; ++i) {
      parts.at[i] = {part_of<T>(buffers, first + i), runs_.runs[first + i], runs_.offsets[first + i]};
      wide = wide && is_wide(parts.at[i].data);
    }
    const int64_t items = runs_.outer * runs_.longest / (wide ? kWide : 1);
    if (items == 0) return;
    Grid grid = context_.cover(items);
    grid.blocks.y = static_cast<unsigned>(count);
    launch(stream(), grid, wide ? move_runs<kDirection, kWide, T> : move_runs<kDirection, 1, T>,
           parts, whole, runs_.outer, runs_.row);
  }

  // Inputs are only read.
  template <class T>
  static T* whole_of(const Buffers& buffers) {
    if (kDirection == Direction::Join) return buffers.out<T>(0);
    return const_cast<T*>(buffers.in<T>(0));
  }
  template <class T>
  static T* part_of(const Buffers& buffers, size_t i) {
    if (kDirection == Direction::Split) return buffers.out<T>(i);
    return const_cast<T*>(buffers.in<T>(i));
  }

  Runs runs_;
  DType type_;
};

}  // namespace

std::unique_ptr<Kernel> make_concat(const StepMeta& step) {
  step.expect_arity(1, step.inputs.size(), 1, 1);
  const size_t axis = joined_axis(step, step.inputs, step.outputs[0]);
  return std::make_unique<MoveRuns<Direction::Join>>(step, axis);
}

std::unique_ptr<Kernel> make_split(const StepMeta& step) {
  step.expect_arity(1, 1, 1, step.outputs.size());
  const size_t axis = joined_axis(step, step.outputs, step.inputs[0]);
  return std::make_unique<MoveRuns<Direction::Split>>(step, axis);
}

}  // namespace halfspace::cuda
