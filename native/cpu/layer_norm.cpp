// Layer normalisation: every row is normalised by itself, then scaled and shifted element by
// element. A tensor is [rows, size], size being everything from `axis` on.
//
//   y = (x - mean) * invStd * scale + bias,   invStd = 1 / sqrt(var + epsilon)
//
// Without scale and bias they are one and zero, and have no gradient.
#include <cmath>
#include <vector>

#include "../semantics/rows.h"
#include "../simd.h"
#include "image.h"
#include "kernels.h"

namespace halfspace::cpu {
namespace {

struct Moments {
  float mean, inverse;
};

HALFSPACE_SIMD Moments moments_of(const float* x, int64_t size, double epsilon) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < size; ++i) sum += x[i];
  const double mean = sum / static_cast<double>(size);
  double squares = 0.0;
#pragma omp simd reduction(+ : squares)
  for (int64_t i = 0; i < size; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const double variance = squares / static_cast<double>(size);
  return {static_cast<float>(mean), static_cast<float>(1.0 / __builtin_sqrt(variance + epsilon))};
}

HALFSPACE_SIMD void normalize_row(const float* x, const float* scale, const float* bias, Moments m,
                                  float* y, int64_t size) {
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) y[i] = (x[i] - m.mean) * m.inverse * scale[i] + bias[i];
}

// With g = dy scale and h = (x - mean) invStd:  dx = invStd (g - mean(g) - h mean(g h))
HALFSPACE_SIMD void differentiate_row(const float* x, const float* dy, const float* scale,
                                      Moments m, float* dx, int64_t size) {
  double sum = 0.0, products = 0.0;
#pragma omp simd reduction(+ : sum, products)
  for (int64_t i = 0; i < size; ++i) {
    const double g = dy[i] * scale[i];
    sum += g;
    products += g * ((x[i] - m.mean) * m.inverse);
  }
  const float mean = static_cast<float>(sum / static_cast<double>(size));
  const float slope = static_cast<float>(products / static_cast<double>(size));
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) {
    const float h = (x[i] - m.mean) * m.inverse;
    dx[i] = m.inverse * (dy[i] * scale[i] - mean - h * slope);
  }
}

// scales += dy h, biases += dy, element by element
HALFSPACE_SIMD void add_row(const float* x, const float* dy, Moments m, double* scales,
                            double* biases, int64_t size) {
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) {
    scales[i] += static_cast<double>(dy[i]) * ((x[i] - m.mean) * m.inverse);
    biases[i] += dy[i];
  }
}

// Rows are summed into at most this many partial results, in order within each.
constexpr int64_t kMostParts = 32;

// x [scale bias] -> y mean invStd
class LayerNorm : public Kernel {
 public:
  explicit LayerNorm(const StepMeta& step)
      : r_(tail_rows_of(step, step.inputs.at(0))), epsilon_(step.attrs.number("epsilon")) {
    scaled_ = step.inputs.size() != 1;
    step.expect_arity(scaled_ ? 3 : 1, 3, 3, 3);
    expect_same(step, step.inputs[0], step.outputs[0]);
    for (size_t i : {1, 2}) {
      if (scaled_) expect_floats(step, step.inputs[i], r_.size);
      expect_floats(step, step.outputs[i], r_.rows);
    }
    if (!scaled_) ones_.assign(r_.size, 1.0f), zeros_.assign(r_.size, 0.0f);
  }

  void run(const Buffers& buffers) override {
    const float* scale = scaled_ ? buffers.in(1) : ones_.data();
    const float* bias = scaled_ ? buffers.in(2) : zeros_.data();
    parallel_for(r_.rows, r_.elements(), [&](int64_t row) {
      const float* x = buffers.in(0) + row * r_.size;
      const Moments m = moments_of(x, r_.size, epsilon_);
      buffers.out(1)[row] = m.mean;
      buffers.out(2)[row] = m.inverse;
      normalize_row(x, scale, bias, m, buffers.out(0) + row * r_.size, r_.size);
    });
  }

 private:
  TailRows r_;
  double epsilon_;
  bool scaled_;
  std::vector<float> ones_, zeros_;
};

// x dy [scale] mean invStd -> dx [dscale dbias]
class LayerNormBackward : public Kernel {
 public:
  explicit LayerNormBackward(const StepMeta& step) : r_(tail_rows_of(step, step.inputs.at(0))) {
    scaled_ = step.inputs.size() != 4;
    step.expect_arity(scaled_ ? 5 : 4, 5, scaled_ ? 3 : 1, scaled_ ? 3 : 1);
    expect_same(step, step.inputs[0], step.inputs[1]);
    expect_same(step, step.inputs[0], step.outputs[0]);
    for (size_t i : {mean(), mean() + 1}) expect_floats(step, step.inputs[i], r_.rows);
    if (scaled_) {
      expect_floats(step, step.inputs[2], r_.size);
      for (size_t i : {1, 2}) expect_floats(step, step.outputs[i], r_.size);
    } else {
      ones_.assign(r_.size, 1.0f);
    }
    together_ = ceil_div(r_.rows, kMostParts);
    parts_ = ceil_div(r_.rows, together_);
  }

  // [parts, 2, size]
  size_t scratch_bytes() const override {
    return scaled_ ? parts_ * 2 * r_.size * sizeof(double) : 0;
  }

  void run(const Buffers& buffers) override {
    if (!scaled_) {
      parallel_for(r_.rows, r_.elements(),
                   [&](int64_t row) { differentiate(buffers, row, ones_.data()); });
      return;
    }
    double* partial = static_cast<double*>(buffers.scratch);
    parallel_for(parts_, r_.elements(), [&](int64_t part) {
      double* scales = partial + part * 2 * r_.size;
      std::fill(scales, scales + 2 * r_.size, 0.0);
      const int64_t end = std::min(r_.rows, (part + 1) * together_);
      for (int64_t row = part * together_; row < end; ++row) run_row(buffers, row, scales);
    });
    parallel_for(r_.size, parts_ * r_.size, [&](int64_t i) {
      double scale = 0.0, bias = 0.0;
      for (int64_t part = 0; part < parts_; ++part) {
        scale += partial[(part * 2) * r_.size + i];
        bias += partial[(part * 2 + 1) * r_.size + i];
      }
      buffers.out(1)[i] = static_cast<float>(scale);
      buffers.out(2)[i] = static_cast<float>(bias);
    });
  }

 private:
  size_t mean() const { return scaled_ ? 3 : 2; }

  Moments moments(const Buffers& buffers, int64_t row) const {
    return {buffers.in(mean())[row], buffers.in(mean() + 1)[row]};
  }

  void differentiate(const Buffers& buffers, int64_t row, const float* scale) const {
    const int64_t at = row * r_.size;
    differentiate_row(buffers.in(0) + at, buffers.in(1) + at, scale, moments(buffers, row),
                      buffers.out(0) + at, r_.size);
  }

  void run_row(const Buffers& buffers, int64_t row, double* scales) const {
    const int64_t at = row * r_.size;
    differentiate(buffers, row, buffers.in(2));
    add_row(buffers.in(0) + at, buffers.in(1) + at, moments(buffers, row), scales,
            scales + r_.size, r_.size);
  }

  TailRows r_;
  int64_t together_, parts_;
  bool scaled_;
  std::vector<float> ones_;
};

}  // namespace

std::unique_ptr<Kernel> make_layer_norm(const StepMeta& step) {
  return std::make_unique<LayerNorm>(step);
}

std::unique_ptr<Kernel> make_layer_norm_backward(const StepMeta& step) {
  return std::make_unique<LayerNormBackward>(step);
}

}  // namespace halfspace::cpu
