// Kernels that only move elements: slice, pad, transpose, expand.
#include "../semantics/movement.h"
#include "kernels.h"
#include "scale.cuh"
#include "transposition.h"

namespace halfspace::cuda {
namespace {

Operands<1> from_to(const Movement& m, const float* from, float* to) {
  return {{from + m.from_origin}, to + m.to_origin};
}

class Move final : public CudaKernel {
 public:
  Move(const StepMeta& step, const Movement& movement)
      : movement_(movement),
        map_(step, movement.walk),
        factor_(static_cast<float>(step.attrs.number("factor", 1.0))) {}

  void run(const Buffers& buffers) override {
    map_.run(context_, {factor_}, from_to(movement_, buffers.in(0), buffers.out(0)));
  }

 private:
  Movement movement_;
  ScaleMap map_;
  float factor_;
};

class TransposeTiles final : public CudaKernel {
 public:
  explicit TransposeTiles(const Matrices& matrices) : matrices_(matrices) {}
  void run(const Buffers& buffers) override {
    transpose(context_, matrices_, buffers.in(0), buffers.out(0));
  }

 private:
  Matrices matrices_;
};

template <int kWidth>
__device__ void fill_from(float value, float* y, int64_t first, int64_t end) {
  Vector<kWidth> all;
  for (int lane = 0; lane < kWidth; ++lane) all.at[lane] = value;
  for (int64_t i = first; i < end; i += item_step()) store(y + i * kWidth, all);
}

__global__ void fill(float value, float* y, int64_t vectors, int64_t count) {
  fill_from<kWide>(value, y, first_item(), vectors);
  fill_from<1>(value, y, vectors * kWide + first_item(), count);
}

class Pad final : public CudaKernel {
 public:
  explicit Pad(const StepMeta& step)
      : movement_(pad_movement(step)),
        map_(step, movement_.walk),
        count_(step.outputs[0].elements()),
        value_(static_cast<float>(step.attrs.number("value", 0.0))) {}

  void run(const Buffers& buffers) override {
    if (count_ == 0) return;
    float* y = buffers.out(0);
    const int64_t vectors = is_wide(y) ? count_ / kWide : 0;
    launch(stream(), context_.cover(vectors > 0 ? vectors : count_), fill, value_, y, vectors,
           count_);
    map_.run(context_, {}, from_to(movement_, buffers.in(0), y));
  }

 private:
  Movement movement_;
  ScaleMap map_;
  int64_t count_;
  float value_;
};

}  // namespace

std::unique_ptr<Kernel> make_slice(const StepMeta& step) {
  return std::make_unique<Move>(step, slice_movement(step));
}

std::unique_ptr<Kernel> make_pad(const StepMeta& step) { return std::make_unique<Pad>(step); }

std::unique_ptr<Kernel> make_transpose(const StepMeta& step) {
  const Movement movement = transpose_movement(step);
  if (const auto matrices = as_matrices(movement.walk)) {
    return std::make_unique<TransposeTiles>(*matrices);
  }
  return std::make_unique<Move>(step, movement);
}

std::unique_ptr<Kernel> make_expand(const StepMeta& step) {
  return std::make_unique<Move>(step, expand_movement(step));
}

}  // namespace halfspace::cuda
