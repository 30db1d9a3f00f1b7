// Sums and means over axes, and inner products, in double and in a fixed order. Where x is a dense
// [batch, rows, columns] whose rows go, as it nearly always is, they are sums down columns;
// anything else is summed by a block a result.
#include <optional>

#include "../semantics/reduction.h"
#include "column_sums.cuh"
#include "kernels.h"
#include "operands.h"
#include "teams.cuh"
#include "walk.cuh"

namespace halfspace::cuda {
namespace {

// x as a batch of matrices whose columns are summed; none where it is not.
std::optional<ColumnCut> as_columns(const Reduction& r) {
  if (r.reduced.axes().size() != 1) return std::nullopt;
  const int64_t rows = r.reduced.run(), columns = r.reduced.steps()[0];
  const auto& kept = r.kept.axes();
  const auto dense = [&](size_t axis, int64_t size, int64_t step) {
    return kept[axis].size == size && (size == 1 || kept[axis].steps[0] == step);
  };
  if (kept.size() == 1 && dense(0, columns, 1)) return ColumnCut(1, rows, columns);
  if (kept.size() == 1 && columns == 1 && dense(0, kept[0].size, rows)) {
    return ColumnCut(kept[0].size, rows, 1);
  }
  if (kept.size() == 2 && dense(1, columns, 1) && dense(0, kept[0].size, rows * columns)) {
    return ColumnCut(kept[0].size, rows, columns);
  }
  return std::nullopt;
}

struct FinishReduction {
  AnyArray y;
  int64_t columns;
  double factor;
  __device__ void operator()(int64_t batch, int64_t column, const double (&sums)[1]) const {
    y.store(batch * columns + column, Vector<1>{static_cast<float>(factor * sums[0])});
  }
};

class ReduceColumns final : public CudaKernel {
 public:
  ReduceColumns(const StepMeta& step, const ColumnCut& cut, double factor)
      : cut_(cut), factor_(factor), from_(step.inputs[0].dtype), to_(step.outputs[0].dtype) {}

  size_t scratch_bytes() const override { return cut_.scratch_bytes(1); }

  void run(const Buffers& buffers) override {
    const FinishReduction finish{{buffers.outputs[0], to_}, cut_.columns, factor_};
    with_element(from_, [&]<class T>(ElementType<T>) {
      sum_columns<1>(context_, cut_, ElementTerm<T>{buffers.in<T>(0), cut_.rows, cut_.columns},
                     finish, buffers.scratch);
    });
  }

 private:
  ColumnCut cut_;
  double factor_;
  DType from_, to_;
};

using Block = Team<kThreads>;

__global__ void reduce_walk(Axes<2, int64_t> kept, Axes<1, int64_t> reduced, AnyArray x,
                            AnyArray y, double factor) {
  int64_t origin[2], at[1];
  kept.find(blockIdx.x, origin);
  double sum = 0.0;
  for (int64_t i = Block::rank(); i < reduced.items; i += kThreads) {
    reduced.find(i, at);
    sum += x.load<1>(origin[0] + at[0]).at[0];
  }
  sum = Block::reduce(sum, Plus{});
  if (Block::rank() == 0) y.store(origin[1], Vector<1>{static_cast<float>(factor * sum)});
}

class ReduceWalk final : public CudaKernel {
 public:
  ReduceWalk(const StepMeta& step, const Reduction& r)
      : kept_(checked(step, r.kept), 1),
        reduced_(checked(step, r.reduced), 1),
        factor_(r.factor),
        from_(step.inputs[0].dtype),
        to_(step.outputs[0].dtype) {
    step.expect(kept_.items < (int64_t{1} << 31), "more than 2^31 results");
  }

  void run(const Buffers& buffers) override {
    if (kept_.items == 0) return;
    launch(stream(), {dim3(static_cast<unsigned>(kept_.items))}, reduce_walk, kept_, reduced_,
           AnyArray{const_cast<void*>(buffers.inputs[0]), from_}, AnyArray{buffers.outputs[0], to_},
           factor_);
  }

 private:
  Axes<2, int64_t> kept_;
  Axes<1, int64_t> reduced_;
  double factor_;
  DType from_, to_;
};

template <class T>
struct ProductTerm {
  const T *a, *b;
  __device__ ProductTerm at(int64_t, int64_t) const { return *this; }
  __device__ void operator()(int64_t i, double (&sums)[1]) const {
    sums[0] += static_cast<double>(to_float(a[i])) * to_float(b[i]);
  }
};

class Dot final : public CudaKernel {
 public:
  explicit Dot(const StepMeta& step) : cut_(1, step.inputs.at(0).stored_elements(), 1), type_(step.inputs[0].dtype) {
    step.expect_arity(2, 2, 1, 1);
    expect_same(step, step.inputs[0], step.inputs[1]);
    step.expect(step.inputs[0].is_floating() && is_number(step.outputs[0]),
                "expected two tensors of floats and a number, got ", step.outputs[0].text());
  }

  size_t scratch_bytes() const override { return cut_.scratch_bytes(1); }

  void run(const Buffers& buffers) override {
    const FinishReduction finish{{buffers.outputs[0], DType::F32}, 1, 1.0};
    with_element(type_, [&]<class T>(ElementType<T>) {
      sum_columns<1>(context_, cut_, ProductTerm<T>{buffers.in<T>(0), buffers.in<T>(1)}, finish,
                     buffers.scratch);
    });
  }

 private:
  ColumnCut cut_;
  DType type_;
};

}  // namespace

std::unique_ptr<Kernel> make_reduce(const StepMeta& step) {
  const Reduction reduction = reduction_of(step);
  if (const auto cut = as_columns(reduction)) {
    return std::make_unique<ReduceColumns>(step, *cut, reduction.factor);
  }
  return std::make_unique<ReduceWalk>(step, reduction);
}

std::unique_ptr<Kernel> make_dot(const StepMeta& step) { return std::make_unique<Dot>(step); }

}  // namespace halfspace::cuda
