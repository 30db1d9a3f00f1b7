// Kernels that only move elements: slice, pad, transpose, expand.
#include "../semantics/movement.h"
#include "kernels.h"
#include "scale.cuh"
#include "transposition.h"

namespace halfspace::cuda {
namespace {

ScaleMap map_of(const StepMeta& step, const Movement& m) {
  return {step, m.walk, {m.from_origin, m.to_origin}};
}

class Move final : public CudaKernel {
 public:
  Move(const StepMeta& step, const Movement& movement)
      : map_(map_of(step, movement)),
        factor_(static_cast<float>(step.attrs.number("factor", 1.0))) {}

  void run(const Buffers& buffers) override { map_.run(context_, {factor_}, buffers); }

 private:
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

template <int kWidth, class T>
__device__ void fill_from(float value, T* y, int64_t first, int64_t end) {
  Vector<kWidth> all;
  for (int lane = 0; lane < kWidth; ++lane) all.at[lane] = value;
  for (int64_t i = first; i < end; i += item_step()) store(y + i * kWidth, all);
}

template <class T>
__global__ void fill(float value, T* y, int64_t vectors, int64_t count) {
  fill_from<kWide>(value, y, first_item(), vectors);
  fill_from<1>(value, y, vectors * kWide + first_item(), count);
}

class Pad final : public CudaKernel {
 public:
  explicit Pad(const StepMeta& step)
      : map_(map_of(step, pad_movement(step))),
        count_(step.outputs[0].elements()),
        type_(step.outputs[0].dtype),
        value_(static_cast<float>(step.attrs.number("value", 0.0))) {}

  void run(const Buffers& buffers) override {
    if (count_ == 0) return;
    with_element(type_, [&]<class T>(ElementType<T>) {
      T* y = buffers.out<T>(0);
      const int64_t vectors = is_wide(y) ? count_ / kWide : 0;
      launch(stream(), context_.cover(vectors > 0 ? vectors : count_), fill<T>, value_, y, vectors,
             count_);
    });
    map_.run(context_, {}, buffers);
  }

 private:
  ScaleMap map_;
  int64_t count_;
  DType type_;
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
