// Layer normalisation: every row is normalised by itself, then scaled and shifted element by
// element. A tensor is [rows, size], size being everything from `axis` on; a team does a row.
//
//   y = (x - mean) * invStd * scale + bias,   invStd = 1 / sqrt(var + epsilon)
//
// Without scale and bias (null) they are one and zero, and have no gradient.
#include "../semantics/rows.h"
#include "column_sums.cuh"
#include "kernels.h"
#include "operands.h"
#include "teams.cuh"

namespace halfspace::cuda {
namespace {

struct Moments {
  float mean, inverse;
};

template <class Team>
__device__ Moments moments_of(const float* x, int64_t size, double epsilon) {
  double sum = 0.0, squares = 0.0;
  for (int64_t i = Team::rank(); i < size; i += Team::kSize) sum += x[i];
  const double mean = Team::reduce(sum, Plus{}) / static_cast<double>(size);
  for (int64_t i = Team::rank(); i < size; i += Team::kSize) {
    squares += (x[i] - mean) * (x[i] - mean);
  }
  const double variance = Team::reduce(squares, Plus{}) / static_cast<double>(size);
  return {static_cast<float>(mean), static_cast<float>(1.0 / sqrt(variance + epsilon))};
}

struct Forward {
  TailRows rows;
  double epsilon;
  const float *x, *scale, *bias;
  float *y, *mean, *inverse;
};

template <int kTeam>
__global__ void normalize_rows(Forward f) {
  using Threads = Team<kTeam>;
  const int64_t row = Threads::row();
  if (row >= f.rows.rows) return;
  const float* x = f.x + row * f.rows.size;
  float* y = f.y + row * f.rows.size;
  const Moments m = moments_of<Threads>(x, f.rows.size, f.epsilon);
  if (Threads::rank() == 0) {
    f.mean[row] = m.mean;
    f.inverse[row] = m.inverse;
  }
  for (int64_t i = Threads::rank(); i < f.rows.size; i += kTeam) {
    const float h = (x[i] - m.mean) * m.inverse;
    y[i] = f.scale ? h * f.scale[i] + f.bias[i] : h;
  }
}

// With g = dy scale and h = (x - mean) invStd:  dx = invStd (g - mean(g) - h mean(g h))
struct Backward {
  TailRows rows;
  const float *x, *dy, *scale, *mean, *inverse;
  float* dx;

  __device__ float scale_at(int64_t i) const { return scale ? scale[i] : 1.0f; }
};

template <int kTeam>
__global__ void differentiate_rows(Backward b) {
  using Threads = Team<kTeam>;
  const int64_t row = Threads::row();
  if (row >= b.rows.rows) return;
  const Moments m{b.mean[row], b.inverse[row]};
  const float *x = b.x + row * b.rows.size, *dy = b.dy + row * b.rows.size;
  double sum = 0.0, products = 0.0;
  for (int64_t i = Threads::rank(); i < b.rows.size; i += kTeam) {
    const double g = dy[i] * b.scale_at(i);
    sum += g;
    products += g * ((x[i] - m.mean) * m.inverse);
  }
  const auto size = static_cast<double>(b.rows.size);
  const auto mean = static_cast<float>(Threads::reduce(sum, Plus{}) / size);
  const auto slope = static_cast<float>(Threads::reduce(products, Plus{}) / size);
  float* dx = b.dx + row * b.rows.size;
  for (int64_t i = Threads::rank(); i < b.rows.size; i += kTeam) {
    const float h = (x[i] - m.mean) * m.inverse;
    dx[i] = m.inverse * (dy[i] * b.scale_at(i) - mean - h * slope);
  }
}

// dscale = sum dy h and dbias = sum dy, down the rows
struct ParameterTerm {
  Backward b;

  struct Column {
    const float *x, *dy, *mean, *inverse;
    int64_t size;
    __device__ void operator()(int64_t row, double (&sums)[2]) const {
      const double gradient = dy[row * size];
      sums[0] += gradient * ((x[row * size] - mean[row]) * inverse[row]);
      sums[1] += gradient;
    }
  };
  __device__ Column at(int64_t, int64_t i) const {
    return {b.x + i, b.dy + i, b.mean, b.inverse, b.rows.size};
  }
};

struct FinishParameters {
  float *dscale, *dbias;
  __device__ void operator()(int64_t, int64_t i, const double (&sums)[2]) const {
    dscale[i] = static_cast<float>(sums[0]);
    dbias[i] = static_cast<float>(sums[1]);
  }
};

template <class Arguments>
void launch_rows(const Context& context, const TailRows& rows, void (*by_warps)(Arguments),
                 void (*by_blocks)(Arguments), const Arguments& arguments) {
  const bool narrow = rows.size <= kWarpRow;
  launch(context.stream(), teams_for(rows.rows, narrow ? kWarp : kThreads),
         narrow ? by_warps : by_blocks, arguments);
}

// x [scale bias] -> y mean invStd
class LayerNorm final : public CudaKernel {
 public:
  explicit LayerNorm(const StepMeta& step)
      : rows_(tail_rows_of(step, step.inputs.at(0))), epsilon_(step.attrs.number("epsilon")) {
    scaled_ = step.inputs.size() != 1;
    step.expect_arity(scaled_ ? 3 : 1, 3, 3, 3);
    expect_same(step, step.inputs[0], step.outputs[0]);
    for (size_t i : {1, 2}) {
      if (scaled_) expect_floats(step, step.inputs[i], rows_.size);
      expect_floats(step, step.outputs[i], rows_.rows);
    }
  }

  void run(const Buffers& buffers) override {
    launch_rows(context_, rows_, normalize_rows<kWarp>, normalize_rows<kThreads>,
                Forward{rows_, epsilon_, buffers.in(0), scaled_ ? buffers.in(1) : nullptr,
                        scaled_ ? buffers.in(2) : nullptr, buffers.out(0), buffers.out(1),
                        buffers.out(2)});
  }

 private:
  TailRows rows_;
  double epsilon_;
  bool scaled_;
};

// x dy [scale] mean invStd -> dx [dscale dbias]
class LayerNormBackward final : public CudaKernel {
 public:
  explicit LayerNormBackward(const StepMeta& step)
      : rows_(tail_rows_of(step, step.inputs.at(0))), cut_(1, rows_.rows, rows_.size) {
    scaled_ = step.inputs.size() != 4;
    step.expect_arity(scaled_ ? 5 : 4, 5, scaled_ ? 3 : 1, scaled_ ? 3 : 1);
    expect_same(step, step.inputs[0], step.inputs[1]);
    expect_same(step, step.inputs[0], step.outputs[0]);
    for (size_t i : {mean(), mean() + 1}) expect_floats(step, step.inputs[i], rows_.rows);
    if (!scaled_) return;
    expect_floats(step, step.inputs[2], rows_.size);
    for (size_t i : {1, 2}) expect_floats(step, step.outputs[i], rows_.size);
  }

  size_t scratch_bytes() const override { return scaled_ ? cut_.scratch_bytes(2) : 0; }

  void run(const Buffers& buffers) override {
    const Backward backward{rows_,
                            buffers.in(0),
                            buffers.in(1),
                            scaled_ ? buffers.in(2) : nullptr,
                            buffers.in(mean()),
                            buffers.in(mean() + 1),
                            buffers.out(0)};
    launch_rows(context_, rows_, differentiate_rows<kWarp>, differentiate_rows<kThreads>, backward);
    if (!scaled_) return;
    sum_columns<2>(context_, cut_, ParameterTerm{backward},
                   FinishParameters{buffers.out(1), buffers.out(2)}, buffers.scratch);
  }

 private:
  size_t mean() const { return scaled_ ? 3 : 2; }

  TailRows rows_;
  ColumnCut cut_;
  bool scaled_;
};

}  // namespace

std::unique_ptr<Kernel> make_layer_norm(const StepMeta& step) {
  return std::make_unique<LayerNorm>(step);
}

std::unique_ptr<Kernel> make_layer_norm_backward(const StepMeta& step) {
  return std::make_unique<LayerNormBackward>(step);
}

}  // namespace halfspace::cuda
