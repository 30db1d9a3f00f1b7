// Softmax along one axis and its gradient. A tensor is [outer, size, inner] around the axis;
// results of neighbouring `inner` positions are independent, so they are computed side by side.
#include <limits>

#include "../semantics/rows.h"
#include "../semantics/vector_math.h"
#include "../simd.h"
#include "image.h"
#include "kernels.h"

namespace halfspace::cpu {
namespace {

// Positions side by side; strides of memory between elements along the axis.
constexpr int64_t kTile = 16;

// One row along the axis, contiguous.
HALFSPACE_SIMD void softmax_row(const float* x, float* y, int64_t size) {
  float top = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : top)
  for (int64_t i = 0; i < size; ++i) top = x[i] > top ? x[i] : top;
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < size; ++i) {
    y[i] = vector_exp(x[i] - top);
    sum += y[i];
  }
  const float factor = static_cast<float>(1.0 / sum);
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) y[i] *= factor;
}

// `lanes` rows at once, side by side in memory.
HALFSPACE_SIMD void softmax_columns(const float* x, float* y, int64_t size, int64_t stride,
                                    int64_t lanes) {
  float top[kTile];
  double sum[kTile] = {};
  for (int64_t c = 0; c < lanes; ++c) top[c] = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < size; ++i) {
#pragma omp simd
    for (int64_t c = 0; c < lanes; ++c) {
      top[c] = x[i * stride + c] > top[c] ? x[i * stride + c] : top[c];
    }
  }
  for (int64_t i = 0; i < size; ++i) {
#pragma omp simd
    for (int64_t c = 0; c < lanes; ++c) {
      y[i * stride + c] = vector_exp(x[i * stride + c] - top[c]);
      sum[c] += y[i * stride + c];
    }
  }
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t c = 0; c < lanes; ++c) {
      y[i * stride + c] *= static_cast<float>(1.0 / sum[c]);
    }
  }
}

// dx = y (dy - sum dy y)
HALFSPACE_SIMD void softmax_row_backward(const float* dy, const float* y, float* dx, int64_t size) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < size; ++i) sum += static_cast<double>(dy[i]) * y[i];
  const float mean = static_cast<float>(sum);
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) dx[i] = y[i] * (dy[i] - mean);
}

HALFSPACE_SIMD void softmax_columns_backward(const float* dy, const float* y, float* dx,
                                             int64_t size, int64_t stride, int64_t lanes) {
  double sum[kTile] = {};
  for (int64_t i = 0; i < size; ++i) {
#pragma omp simd
    for (int64_t c = 0; c < lanes; ++c) {
      sum[c] += static_cast<double>(dy[i * stride + c]) * y[i * stride + c];
    }
  }
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t c = 0; c < lanes; ++c) {
      dx[i * stride + c] = y[i * stride + c] * (dy[i * stride + c] - static_cast<float>(sum[c]));
    }
  }
}

// Calls body(offset, lanes) for every group of rows that lie side by side.
template <class Body>
void for_each_tile(const AxisRows& rows, Body&& body) {
  const int64_t tiles = ceil_div(rows.inner, kTile);
  parallel_for(rows.outer * tiles, rows.outer * rows.size * rows.inner, [&](int64_t part) {
    const int64_t first = part % tiles * kTile;
    body(part / tiles * rows.size * rows.inner + first, std::min(kTile, rows.inner - first));
  });
}

// x -> y
class Softmax : public Kernel {
 public:
  explicit Softmax(const StepMeta& step) : rows_(axis_rows_of(step)) {
    step.expect_arity(1, 1, 1, 1);
  }

  void run(const Buffers& buffers) override {
    for_each_tile(rows_, [&](int64_t at, int64_t lanes) {
      const float* x = buffers.in(0) + at;
      float* y = buffers.out(0) + at;
      if (rows_.inner == 1)
        softmax_row(x, y, rows_.size);
      else
        softmax_columns(x, y, rows_.size, rows_.inner, lanes);
    });
  }

 private:
  AxisRows rows_;
};

// dy y -> dx
class SoftmaxBackward : public Kernel {
 public:
  explicit SoftmaxBackward(const StepMeta& step) : rows_(axis_rows_of(step)) {
    step.expect_arity(2, 2, 1, 1);
  }

  void run(const Buffers& buffers) override {
    for_each_tile(rows_, [&](int64_t at, int64_t lanes) {
      const float *dy = buffers.in(0) + at, *y = buffers.in(1) + at;
      float* dx = buffers.out(0) + at;
      if (rows_.inner == 1)
        softmax_row_backward(dy, y, dx, rows_.size);
      else
        softmax_columns_backward(dy, y, dx, rows_.size, rows_.inner, lanes);
    });
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

}  // namespace halfspace::cpu
