// Max and average pooling over windows of blocked images, forward and backward. The loops run tap
// by tap: one place of the window, for all outputs of a row that have it inside the image, so
// padding never wins a maximum. Backward adds into dx in scan order; one plane belongs to one
// thread.
#include <limits>

#include "../../semantics/pooling.h"
#include "../../simd.h"
#include "block.h"
#include "kernels.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// Outputs [first, last) of an axis have this tap inside the image; for `first` it lies at `input`.
struct Tap {
  int64_t first, last, input;
};

// One axis of a pooling operator.
struct Axis {
  int64_t stride;
  std::vector<Tap> taps;
  // For each output, 1 / the number of taps inside the image, and inside the padded image.
  std::vector<float> share, padded_share;

  Axis(const PoolingShape& shape, size_t axis, int64_t inputs, int64_t outputs)
      : stride(shape.strides[axis]),
        share(tap_shares(shape, axis, inputs, outputs, false)),
        padded_share(tap_shares(shape, axis, inputs, outputs, true)) {
    for (int64_t k = 0; k < shape.kernel[axis]; ++k) {
      const int64_t origin = k * shape.dilations[axis] - shape.before[axis];
      const auto outputs_below = [&](int64_t position) {
        return std::clamp<int64_t>(ceil_div(std::max<int64_t>(position - origin, 0), stride), 0,
                                   outputs);
      };
      const int64_t first = outputs_below(0), last = outputs_below(inputs);
      taps.push_back({first, last, origin + first * stride});
    }
  }
};

// y = max(y, x) for `count` pixels, x advancing by `step`; NaN wins.
HALFSPACE_SIMD void max_into(const float* x, int64_t step, float* y, int64_t count) {
  for (int64_t p = 0; p < count; ++p, x += step, y += kBlock) {
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) y[c] = (x[c] > y[c] || x[c] != x[c]) ? x[c] : y[c];
  }
}

// The same, remembering which tap won.
HALFSPACE_SIMD void max_into(const float* x, int64_t step, float* best, int32_t* place, int32_t tap,
                             int64_t count) {
  for (int64_t p = 0; p < count; ++p, x += step, best += kBlock, place += kBlock) {
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) {
      const bool better = x[c] > best[c] || x[c] != x[c];
      best[c] = better ? x[c] : best[c];
      place[c] = better ? tap : place[c];
    }
  }
}

// dx += dy where `tap` won
HALFSPACE_SIMD void add_where(const float* dy, const int32_t* place, int32_t tap, float* dx,
                              int64_t step, int64_t count) {
  for (int64_t p = 0; p < count; ++p, dx += step, dy += kBlock, place += kBlock) {
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) {
      const float gradient = dy[c];
      dx[c] += place[c] == tap ? gradient : 0.0f;
    }
  }
}

// y += x
HALFSPACE_SIMD void add_into(const float* x, int64_t step, float* y, int64_t count) {
  for (int64_t p = 0; p < count; ++p, x += step, y += kBlock) {
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) y[c] += x[c];
  }
}

// y *= share of the row * share of the column
HALFSPACE_SIMD void scale_row(float* y, float row_share, const float* shares, int64_t count) {
  for (int64_t p = 0; p < count; ++p) {
    const float factor = row_share * shares[p];
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) y[p * kBlock + c] *= factor;
  }
}

// dx += dy * share of the row * share of the column
HALFSPACE_SIMD void add_shares(const float* dy, float row_share, const float* shares, float* dx,
                               int64_t step, int64_t count) {
  for (int64_t p = 0; p < count; ++p, dx += step) {
    const float factor = row_share * shares[p];
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) dx[c] += factor * dy[p * kBlock + c];
  }
}

// What a tap does to one row of outputs: where it starts in x and y, in floats, and for how many.
struct TapRow {
  int32_t tap;
  int64_t x, y;
  int64_t step;  // between neighbouring outputs, in x
  int64_t first, count;
};

// One pooling operator between images x and y (or dx and dy).
class Pooling {
 public:
  Pooling(const StepMeta& step, const TensorMeta& x, const TensorMeta& y)
      : Pooling(step, x, y, read_pooling(step, x, y)) {}

  const Image& x() const { return x_; }
  const Image& y() const { return y_; }

  // Calls visit(plane, oh) for every row of y, in parallel.
  template <class Visit>
  void parallel_rows(Visit&& visit) const {
    parallel_for(y_.planes() * y_.height, y_.stored() + x_.stored(),
                 [&](int64_t row) { visit(row / y_.height, row % y_.height); });
  }

  // Calls visit(plane, oh) for every row of y; the rows of a plane in order.
  template <class Visit>
  void parallel_planes(float* dx, Visit&& visit) const {
    parallel_for(y_.planes(), y_.stored() + x_.stored(), [&](int64_t plane) {
      std::memset(dx + plane * x_.plane(), 0, x_.plane() * sizeof(float));
      for (int64_t oh = 0; oh < y_.height; ++oh) visit(plane, oh);
    });
  }

  // Offset of a row of y, in floats.
  int64_t row(int64_t plane, int64_t oh) const { return plane * y_.plane() + oh * y_.row(); }

  // Calls visit(TapRow) for the taps of a row of y in scan order.
  template <class Visit>
  void for_each_tap(int64_t plane, int64_t oh, Visit&& visit) const {
    int32_t number = 0;
    for (const Tap& i : rows_.taps) {
      for (const Tap& j : columns_.taps) {
        const int32_t tap = number++;
        if (oh < i.first || oh >= i.last || j.first >= j.last) continue;
        const int64_t h = i.input + (oh - i.first) * rows_.stride;
        visit(TapRow{tap, plane * x_.plane() + h * x_.row() + j.input * kBlock,
                     row(plane, oh) + j.first * kBlock, columns_.stride * kBlock, j.first,
                     j.last - j.first});
      }
    }
  }

  // One row of y, from `start` on: into(x, step, y, count) for every tap. Answers with the row.
  float* gather_row(int64_t plane, int64_t oh, const float* x, float* y, float start,
                    void (*into)(const float*, int64_t, float*, int64_t)) const {
    float* row_of_y = y + row(plane, oh);
    std::fill(row_of_y, row_of_y + y_.row(), start);
    for_each_tap(plane, oh, [&](const TapRow& t) { into(x + t.x, t.step, y + t.y, t.count); });
    return row_of_y;
  }

  float row_share(int64_t oh, bool padded) const {
    return padded ? rows_.padded_share[oh] : rows_.share[oh];
  }
  const float* column_shares(bool padded) const {
    return padded ? columns_.padded_share.data() : columns_.share.data();
  }

 private:
  Pooling(const StepMeta& step, const TensorMeta& x, const TensorMeta& y, const PoolingShape& shape)
      : x_(x),
        y_(y),
        rows_(shape, 0, x_.height, y_.height),
        columns_(shape, 1, x_.width, y_.width) {
    expect_blocked(step, x);
    expect_blocked(step, y);
  }

  Image x_, y_;
  Axis rows_, columns_;
};

// x -> y
class MaxPool : public Kernel {
 public:
  explicit MaxPool(const StepMeta& step) : pooling_(step, step.inputs.at(0), step.outputs.at(0)) {
    step.expect_arity(1, 1, 1, 1);
  }

  void run(const Buffers& buffers) override {
    constexpr float kLowest = -std::numeric_limits<float>::infinity();
    pooling_.parallel_rows([&](int64_t plane, int64_t oh) {
      pooling_.gather_row(plane, oh, buffers.in(0), buffers.out(0), kLowest, max_into);
    });
  }

 private:
  Pooling pooling_;
};

// dy x -> dx
class MaxPoolBackward : public Kernel {
 public:
  explicit MaxPoolBackward(const StepMeta& step)
      : pooling_(step, step.outputs.at(0), step.inputs.at(0)) {
    step.expect_arity(2, 2, 1, 1);
    expect_same(step, step.inputs[1], step.outputs[0]);
  }

  // For each plane one row of maxima and of the taps where they were found.
  size_t scratch_bytes() const override {
    return pooling_.y().planes() * pooling_.y().row() * (sizeof(float) + sizeof(int32_t));
  }

  void run(const Buffers& buffers) override {
    const int64_t width = pooling_.y().row();
    float* maxima = static_cast<float*>(buffers.scratch);
    int32_t* places = reinterpret_cast<int32_t*>(maxima + pooling_.y().planes() * width);
    pooling_.parallel_planes(buffers.out(0), [&](int64_t plane, int64_t oh) {
      run_row(buffers, plane, oh, maxima + plane * width, places + plane * width);
    });
  }

 private:
  // Finds the first maxima of a row again and adds dy there.
  void run_row(const Buffers& buffers, int64_t plane, int64_t oh, float* best,
               int32_t* place) const {
    const float *dy = buffers.in(0), *x = buffers.in(1);
    float* dx = buffers.out(0);
    std::fill(best, best + pooling_.y().row(), -std::numeric_limits<float>::infinity());
    std::fill(place, place + pooling_.y().row(), 0);
    pooling_.for_each_tap(plane, oh, [&](const TapRow& t) {
      const int64_t at = t.first * kBlock;
      max_into(x + t.x, t.step, best + at, place + at, t.tap, t.count);
    });
    pooling_.for_each_tap(plane, oh, [&](const TapRow& t) {
      add_where(dy + t.y, place + t.first * kBlock, t.tap, dx + t.x, t.step, t.count);
    });
  }

  Pooling pooling_;
};

// x -> y
class AveragePool : public Kernel {
 public:
  explicit AveragePool(const StepMeta& step)
      : pooling_(step, step.inputs.at(0), step.outputs.at(0)),
        padded_(step.attrs.flag("countIncludePad", false)) {
    step.expect_arity(1, 1, 1, 1);
  }

  void run(const Buffers& buffers) override {
    pooling_.parallel_rows([&](int64_t plane, int64_t oh) {
      float* row =
          pooling_.gather_row(plane, oh, buffers.in(0), buffers.out(0), 0.0f, add_into);
      scale_row(row, pooling_.row_share(oh, padded_), pooling_.column_shares(padded_),
                pooling_.y().width);
    });
  }

 private:
  Pooling pooling_;
  bool padded_;
};

// dy -> dx
class AveragePoolBackward : public Kernel {
 public:
  explicit AveragePoolBackward(const StepMeta& step)
      : pooling_(step, step.outputs.at(0), step.inputs.at(0)),
        padded_(step.attrs.flag("countIncludePad", false)) {
    step.expect_arity(1, 1, 1, 1);
  }

  void run(const Buffers& buffers) override {
    const float* dy = buffers.in(0);
    float* dx = buffers.out(0);
    pooling_.parallel_planes(dx, [&](int64_t plane, int64_t oh) {
      pooling_.for_each_tap(plane, oh, [&](const TapRow& t) {
        add_shares(dy + t.y, pooling_.row_share(oh, padded_),
                   pooling_.column_shares(padded_) + t.first, dx + t.x, t.step, t.count);
      });
    });
  }

 private:
  Pooling pooling_;
  bool padded_;
};

}  // namespace

std::unique_ptr<Kernel> make_max_pool(const StepMeta& step) {
  return std::make_unique<MaxPool>(step);
}

std::unique_ptr<Kernel> make_max_pool_backward(const StepMeta& step) {
  return std::make_unique<MaxPoolBackward>(step);
}

std::unique_ptr<Kernel> make_average_pool(const StepMeta& step) {
  return std::make_unique<AveragePool>(step);
}

std::unique_ptr<Kernel> make_average_pool_backward(const StepMeta& step) {
  return std::make_unique<AveragePoolBackward>(step);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
