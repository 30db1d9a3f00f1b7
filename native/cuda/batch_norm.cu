// Batch normalisation of NHWC images: with batch statistics, with running ones, and backward; each
// optionally rectified. An image is a matrix [M = N H W, C]. Sums down its columns are in double.
//
//   y = (x - mean) * scale / sqrt(var + epsilon) + bias
#include <cmath>
#include <limits>

#include "column_sums.cuh"
#include "kernels.h"
#include "map_columns.cuh"
#include "operands.h"

namespace halfspace::cuda {
namespace {

// What the passes over the pixels need of a channel: y = factor (x - center) + offset, and with the gradient g of
// that, dx = factor (g - mean - slope (x - center)). Doubles follow an array of these.
struct alignas(double) Affine {
  float center, factor, offset, mean, slope;
};

// sum x, sum x^2
template <class T>
struct Moments {
  const T* x;
  int64_t channels;

  struct Column {
    const T* x;
    int64_t channels;
    __device__ void operator()(int64_t row, double (&sums)[2]) const {
      const double value = to_float(x[row * channels]);
      sums[0] += value;
      sums[1] += value * value;
    }
  };
  __device__ Column at(int64_t, int64_t channel) const { return {x + channel, channels}; }
};

// The statistics of a batch, from its moments.
struct FinishMoments {
  const float *scale, *bias, *running_mean, *running_var;
  float *mean, *inverse;
  float *next_mean, *next_var;  // null where the running statistics are not tracked
  Affine* affine;
  double samples, epsilon, momentum;

  __device__ void operator()(int64_t, int64_t channel, const double (&sums)[2]) const {
    const double average = sums[0] / samples;
    const double variance = fmax(sums[1] / samples - average * average, 0.0);
    const double inverted = 1.0 / std::sqrt(variance + epsilon);
    affine[channel] = {static_cast<float>(average), static_cast<float>(scale[channel] * inverted),
                       bias[channel], 0.0f, 0.0f};
    mean[channel] = static_cast<float>(average);
    inverse[channel] = static_cast<float>(inverted);
    if (!next_mean) return;
    next_mean[channel] = mix(running_mean[channel], average);
    next_var[channel] = mix(running_var[channel], variance * samples / fmax(samples - 1.0, 1.0));
  }
  __device__ float mix(double old, double batch) const {
    return static_cast<float>((1.0 - momentum) * old + momentum * batch);
  }
};

// y = max(factor (x - center) + offset, least)
struct Normalize {
  using Column = Affine;
  const Affine* affine;
  float least;

  __device__ Column column(int64_t channel) const { return affine[channel]; }
  __device__ float operator()(const Column& a, const float (&x)[1]) const {
    const float value = a.factor * (x[0] - a.center) + a.offset;
    return value < least ? least : value;
  }
};

// The same with running statistics.
struct NormalizeRunning {
  using Column = Affine;
  const float *scale, *bias, *mean, *var;
  double epsilon;
  float least;

  __device__ Column column(int64_t channel) const {
    const double deviation = std::sqrt(static_cast<double>(var[channel]) + epsilon);
    return {mean[channel], static_cast<float>(scale[channel] / deviation), bias[channel], 0.0f, 0.0f};
  }
  __device__ float operator()(const Column& a, const float (&x)[1]) const {
    return Normalize{nullptr, least}(a, x);
  }
};

// The normalisation as the forward pass had it; `bias` is null where nothing is masked.
struct Parameters {
  const float *scale, *mean, *inverse, *bias;

  __device__ Affine at(int64_t channel) const {
    const double inverted = inverse[channel];
    return {mean[channel], static_cast<float>(scale[channel] * inverted), bias ? bias[channel] : 0.0f, 0.0f,
            0.0f};
  }
};

// The gradient that reaches the normalisation: nothing where the rectifier after it closed. Computing y again
// from x, `centered`, costs less than reading it.
template <bool kMasked>
__device__ float reaching(const Affine& a, float dy, float centered) {
  return !kMasked || a.factor * centered + a.offset > 0.0f ? dy : 0.0f;
}

// sum g, sum g (x - center)
template <bool kMasked, class T>
struct Products {
  const T *x, *dy;
  Parameters parameters;
  int64_t channels;

  struct Column {
    const T *x, *dy;
    int64_t channels;
    Affine affine;
    __device__ void operator()(int64_t row, double (&sums)[2]) const {
      const int64_t i = row * channels;
      const float centered = to_float(x[i]) - affine.center;
      const double gradient = reaching<kMasked>(affine, to_float(dy[i]), centered);
      sums[0] += gradient;
      sums[1] += gradient * static_cast<double>(centered);
    }
  };
  __device__ Column at(int64_t, int64_t channel) const {
    return {x + channel, dy + channel, channels, parameters.at(channel)};
  }
};

struct FinishProducts {
  Parameters parameters;
  float *dscale, *dbias;
  Affine* affine;
  double samples;

  __device__ void operator()(int64_t, int64_t channel, const double (&sums)[2]) const {
    const double inverted = parameters.inverse[channel];
    Affine& a = affine[channel];
    a = parameters.at(channel);
    a.mean = static_cast<float>(sums[0] / samples);
    a.slope = static_cast<float>(sums[1] * inverted * inverted / samples);
    dscale[channel] = static_cast<float>(sums[1] * inverted);
    dbias[channel] = static_cast<float>(sums[0]);
  }
};

// dx = factor (g - mean - slope (x - center))
template <bool kMasked>
struct Differentiate {
  using Column = Affine;
  const Affine* affine;

  __device__ Column column(int64_t channel) const { return affine[channel]; }
  __device__ float operator()(const Column& a, const float (&in)[2]) const {
    const float centered = in[0] - a.center;
    return a.factor * (reaching<kMasked>(a, in[1], centered) - a.mean - a.slope * centered);
  }
};

float least_of(const StepMeta& step) {
  return has_relu(step) ? 0.0f : -std::numeric_limits<float>::infinity();
}

ColumnCut cut_of(const TensorMeta& x) { return {1, x.dim(0) * x.dim(2) * x.dim(3), x.dim(1)}; }

// x scale bias mean var -> y batchMean batchInvStd [mean var]
class BatchNorm final : public CudaKernel {
 public:
  explicit BatchNorm(const StepMeta& step)
      : cut_(cut_of(step.outputs.at(0))),
        type_(step.outputs[0].dtype),
        epsilon_(step.attrs.number("epsilon")),
        momentum_(step.attrs.number("momentum", 0.0)),
        least_(least_of(step)) {
    step.expect_arity(5, 5, 3, 5);
    step.expect(step.outputs.size() != 4, "expected 3 or 5 outputs, got 4");
    expect_image(step, step.inputs[0]);
    expect_same(step, step.inputs[0], step.outputs[0]);
    for (size_t i = 1; i < 5; ++i) expect_floats(step, step.inputs[i], cut_.columns);
    for (size_t i = 1; i < step.outputs.size(); ++i) {
      expect_floats(step, step.outputs[i], cut_.columns);
    }
  }

  // [C] Affine, then sums
  size_t scratch_bytes() const override {
    return cut_.columns * sizeof(Affine) + cut_.scratch_bytes(2);
  }

  void run(const Buffers& buffers) override {
    auto* affine = static_cast<Affine*>(buffers.scratch);
    const bool tracks = buffers.outputs.size() == 5;
    const FinishMoments finish{.scale = buffers.in(1),
                               .bias = buffers.in(2),
                               .running_mean = buffers.in(3),
                               .running_var = buffers.in(4),
                               .mean = buffers.out(1),
                               .inverse = buffers.out(2),
                               .next_mean = tracks ? buffers.out(3) : nullptr,
                               .next_var = tracks ? buffers.out(4) : nullptr,
                               .affine = affine,
                               .samples = static_cast<double>(cut_.rows),
                               .epsilon = epsilon_,
                               .momentum = momentum_};
    with_element(type_, [&]<class T>(ElementType<T>) {
      sum_columns<2>(context_, cut_, Moments<T>{buffers.in<T>(0), cut_.columns}, finish,
                     affine + cut_.columns);
      map_columns(context_, Normalize{affine, least_}, operands_of<1, T>(buffers), cut_.rows,
                  cut_.columns);
    });
  }

 private:
  ColumnCut cut_;
  DType type_;
  double epsilon_, momentum_;
  float least_;
};

// x scale bias mean var -> y
class BatchNormInference final : public CudaKernel {
 public:
  explicit BatchNormInference(const StepMeta& step)
      : cut_(cut_of(step.outputs.at(0))),
        type_(step.outputs[0].dtype),
        epsilon_(step.attrs.number("epsilon")),
        least_(least_of(step)) {
    step.expect_arity(5, 5, 1, 1);
    expect_image(step, step.inputs[0]);
    expect_same(step, step.inputs[0], step.outputs[0]);
    for (size_t i = 1; i < 5; ++i) expect_floats(step, step.inputs[i], cut_.columns);
  }

  void run(const Buffers& buffers) override {
    const NormalizeRunning f{buffers.in(1), buffers.in(2), buffers.in(3),
                             buffers.in(4), epsilon_,      least_};
    with_element(type_, [&]<class T>(ElementType<T>) {
      map_columns(context_, f, operands_of<1, T>(buffers), cut_.rows, cut_.columns);
    });
  }

 private:
  ColumnCut cut_;
  DType type_;
  double epsilon_;
  float least_;
};

// x dy scale batchMean batchInvStd [bias] -> dx dscale dbias, with g = dy masked, s = batchInvStd:
//   dbias = sum g,  dscale = s sum g (x - mean)
//   dx = scale s (g - dbias / M - (x - mean) s dscale / M)
template <bool kMasked>
class BatchNormBackward final : public CudaKernel {
 public:
  explicit BatchNormBackward(const StepMeta& step) : cut_(cut_of(step.outputs.at(0))), type_(step.outputs[0].dtype) {
    step.expect_arity(kMasked ? 6 : 5, 6, 3, 3);
    expect_image(step, step.inputs[0]);
    expect_same(step, step.inputs[0], step.inputs[1]);
    expect_same(step, step.inputs[0], step.outputs[0]);
    for (size_t i = 2; i < step.inputs.size(); ++i) expect_floats(step, step.inputs[i], cut_.columns);
    for (size_t i = 1; i < 3; ++i) expect_floats(step, step.outputs[i], cut_.columns);
  }

  // [C] Affine, then sums
  size_t scratch_bytes() const override {
    return cut_.columns * sizeof(Affine) + cut_.scratch_bytes(2);
  }

  void run(const Buffers& buffers) override {
    auto* affine = static_cast<Affine*>(buffers.scratch);
    const Parameters parameters{.scale = buffers.in(2),
                                .mean = buffers.in(3),
                                .inverse = buffers.in(4),
                                .bias = kMasked ? buffers.in(5) : nullptr};
    const FinishProducts finish{.parameters = parameters,
                                .dscale = buffers.out(1),
                                .dbias = buffers.out(2),
                                .affine = affine,
                                .samples = static_cast<double>(cut_.rows)};
    with_element(type_, [&]<class T>(ElementType<T>) {
      const Products<kMasked, T> products{buffers.in<T>(0), buffers.in<T>(1), parameters, cut_.columns};
      sum_columns<2>(context_, cut_, products, finish, affine + cut_.columns);
      map_columns(context_, Differentiate<kMasked>{affine}, operands_of<2, T>(buffers), cut_.rows,
                  cut_.columns);
    });
  }

 private:
  ColumnCut cut_;
  DType type_;
};

}  // namespace

std::unique_ptr<Kernel> make_batch_norm(const StepMeta& step) {
  return std::make_unique<BatchNorm>(step);
}

std::unique_ptr<Kernel> make_batch_norm_inference(const StepMeta& step) {
  return std::make_unique<BatchNormInference>(step);
}

std::unique_ptr<Kernel> make_batch_norm_backward(const StepMeta& step) {
  if (has_relu(step)) return std::make_unique<BatchNormBackward<true>>(step);
  return std::make_unique<BatchNormBackward<false>>(step);
}

}  // namespace halfspace::cuda
