// Softmax along one axis and its gradient. A tensor is [outer, size, inner] around the axis. Where
// inner is 1 a row is contiguous and a team does it; otherwise neighbouring threads do neighbouring
// rows, each by itself.
#include "../semantics/rows.h"
#include "../semantics/vector_math.h"
#include "grid.cuh"
#include "kernels.h"
#include "teams.cuh"

namespace halfspace::cuda {
namespace {

// One row, whichever threads share it: thread `first` of `step` does elements first, first + step,
// ... that lie `stride` floats apart, and `all` reduces over the threads.
struct Row {
  int64_t first, step, size, stride;
};

struct Alone {
  template <class T, class Combine>
  __device__ static T reduce(T value, Combine) {
    return value;
  }
};

template <class Threads>
__device__ void softmax_row(const Row& row, const float* x, float* y) {
  float top = -INFINITY;
  for (int64_t i = row.first; i < row.size; i += row.step) top = Larger{}(top, x[i * row.stride]);
  top = Threads::reduce(top, Larger{});
  double sum = 0.0;
  for (int64_t i = row.first; i < row.size; i += row.step) {
    const float e = vector_exp(x[i * row.stride] - top);
    y[i * row.stride] = e;
    sum += e;
  }
  const auto factor = static_cast<float>(1.0 / Threads::reduce(sum, Plus{}));
  for (int64_t i = row.first; i < row.size; i += row.step) y[i * row.stride] *= factor;
}

// dx = y (dy - sum dy y)
template <class Threads>
__device__ void differentiate_row(const Row& row, const float* dy, const float* y, float* dx) {
  double sum = 0.0;
  for (int64_t i = row.first; i < row.size; i += row.step) {
    sum += static_cast<double>(dy[i * row.stride]) * y[i * row.stride];
  }
  const auto mean = static_cast<float>(Threads::reduce(sum, Plus{}));
  for (int64_t i = row.first; i < row.size; i += row.step) {
    dx[i * row.stride] = y[i * row.stride] * (dy[i * row.stride] - mean);
  }
}

struct Forward {
  const float* x;
  float* y;
  template <class Threads>
  __device__ void row(const Row& row, int64_t at) const {
    softmax_row<Threads>(row, x + at, y + at);
  }
};

struct Backward {
  const float *dy, *y;
  float* dx;
  template <class Threads>
  __device__ void row(const Row& row, int64_t at) const {
    differentiate_row<Threads>(row, dy + at, y + at, dx + at);
  }
};

template <int kTeam, class Pass>
__global__ void contiguous_rows(Pass pass, AxisRows rows) {
  using Threads = Team<kTeam>;
  if (Threads::row() >= rows.outer) return;
  pass.template row<Threads>({Threads::rank(), kTeam, rows.size, 1}, Threads::row() * rows.size);
}

template <class Pass>
__global__ void rows_side_by_side(Pass pass, AxisRows rows) {
  for (int64_t i = first_item(); i < rows.outer * rows.inner; i += item_step()) {
    const int64_t at = i / rows.inner * rows.size * rows.inner + i % rows.inner;
    pass.template row<Alone>({0, 1, rows.size, rows.inner}, at);
  }
}

template <class Pass>
void start(const Context& context, const AxisRows& rows, const Pass& pass) {
  if (rows.outer * rows.size * rows.inner == 0) return;
  const cudaStream_t stream = context.stream();
  if (rows.inner > 1) {
    launch(stream, context.cover(rows.outer * rows.inner), rows_side_by_side<Pass>, pass, rows);
  } else if (rows.size <= kWarpRow) {
    launch(stream, teams_for(rows.outer, kWarp), contiguous_rows<kWarp, Pass>, pass, rows);
  } else {
    launch(stream, teams_for(rows.outer, kThreads), contiguous_rows<kThreads, Pass>, pass, rows);
  }
}

// x -> y
class Softmax final : public CudaKernel {
 public:
  explicit Softmax(const StepMeta& step) : rows_(axis_rows_of(step)) {
    step.expect_arity(1, 1, 1, 1);
  }
  void run(const Buffers& buffers) override {
    start(context_, rows_, Forward{buffers.in(0), buffers.out(0)});
  }

 private:
  AxisRows rows_;
};

// dy y -> dx
class SoftmaxBackward final : public CudaKernel {
 public:
  explicit SoftmaxBackward(const StepMeta& step) : rows_(axis_rows_of(step)) {
    step.expect_arity(2, 2, 1, 1);
  }
  void run(const Buffers& buffers) override {
    start(context_, rows_, Backward{buffers.in(0), buffers.in(1), buffers.out(0)});
  }

 private:
  AxisRows rows_;
};

}  // namespace

std::unique_ptr<Kernel> make_softmax(const StepMeta& step) {
  return std::make_unique<Softmax>(step);
}

std::unique_ptr<Kernel> make_softmax_backward(const StepMeta& step) {
  return std::make_unique<SoftmaxBackward>(step);
}

}  // namespace halfspace::cuda
