// Max and average pooling of NHWC images, forward and backward. Padding never wins a maximum. Going
// backward every input gathers from the outputs that have it in their window, in scan order.
#include "../semantics/pooling.h"
#include "kernels.h"
#include "lines.cuh"
#include "memory.h"
#include "operands.h"
#include "taps.cuh"

namespace halfspace::cuda {
namespace {

Window window_of(const TensorMeta& x, const TensorMeta& y, const PoolingShape& s) {
  return {.N = x.dim(0),
          .C = x.dim(1),
          .H = x.dim(2),
          .W = x.dim(3),
          .P = y.dim(2),
          .Q = y.dim(3),
          .kh = static_cast<int>(s.kernel[0]),
          .kw = static_cast<int>(s.kernel[1]),
          .stride_h = static_cast<int>(s.strides[0]),
          .stride_w = static_cast<int>(s.strides[1]),
          .dilation_h = static_cast<int>(s.dilations[0]),
          .dilation_w = static_cast<int>(s.dilations[1]),
          .top = static_cast<int>(s.before[0]),
          .left = static_cast<int>(s.before[1])};
}

// NaN wins.
__device__ bool beats(float x, float best) { return x > best || x != x; }

// An item of a line is kWidth channels of a pixel.
template <int kWidth>
struct Item {
  int64_t column, channel;
  __device__ Item(const Window& w, int item)
      : column(item / (static_cast<int>(w.C) / kWidth)),
        channel(item % (static_cast<int>(w.C) / kWidth) * kWidth) {}
};

template <int kWidth, class T>
__global__ void max_pool(Window w, Lines lines, const T* x, T* y) {
  lines.for_each([&](int64_t line, int item) {
    const Item<kWidth> at(w, item);
    Vector<kWidth> best;
    for (float& value : best.at) value = -INFINITY;
    for_each_tap(w, line, at.column, [&](int, int64_t pixel) {
      const auto candidate = load<kWidth>(x + pixel * w.C + at.channel);
#pragma unroll
      for (int lane = 0; lane < kWidth; ++lane) {
        if (beats(candidate.at[lane], best.at[lane])) best.at[lane] = candidate.at[lane];
      }
    });
    store(y + (line * w.Q + at.column) * w.C + at.channel, best);
  });
}

// The tap that won each output.
template <class T>
__global__ void find_winners(Window w, Lines lines, const T* x, int32_t* winners) {
  lines.for_each([&](int64_t line, int item) {
    const Item<1> at(w, item);
    float best = -INFINITY;
    int32_t winner = 0;
    for_each_tap(w, line, at.column, [&](int tap, int64_t pixel) {
      const float candidate = to_float(x[pixel * w.C + at.channel]);
      if (!beats(candidate, best)) return;
      best = candidate;
      winner = tap;
    });
    winners[(line * w.Q + at.column) * w.C + at.channel] = winner;
  });
}

template <class T>
__global__ void gather_winners(Window w, Lines lines, const T* dy, const int32_t* winners, T* dx) {
  lines.for_each([&](int64_t line, int item) {
    const Item<1> at(w, item);
    float sum = 0.0f;
    for_each_output(w, line, at.column, [&](int tap, int64_t, int64_t, int64_t pixel) {
      const int64_t output = pixel * w.C + at.channel;
      if (winners[output] == tap) sum += to_float(dy[output]);
    });
    dx[(line * w.W + at.column) * w.C + at.channel] = to_element<T>(sum);
  });
}

// One over the taps that count of each row and column of outputs.
struct Shares {
  const float *rows, *columns;
  __device__ float of(int64_t p, int64_t q) const { return rows[p] * columns[q]; }
};

template <int kWidth, class T>
__global__ void average_pool(Window w, Lines lines, Shares shares, const T* x, T* y) {
  lines.for_each([&](int64_t line, int item) {
    const Item<kWidth> at(w, item);
    Vector<kWidth> sum = {};
    for_each_tap(w, line, at.column, [&](int, int64_t pixel) {
      const auto term = load<kWidth>(x + pixel * w.C + at.channel);
#pragma unroll
      for (int lane = 0; lane < kWidth; ++lane) sum.at[lane] += term.at[lane];
    });
    const float share = shares.of(line % w.P, at.column);
#pragma unroll
    for (int lane = 0; lane < kWidth; ++lane) sum.at[lane] *= share;
    store(y + (line * w.Q + at.column) * w.C + at.channel, sum);
  });
}

template <int kWidth, class T>
__global__ void average_pool_backward(Window w, Lines lines, Shares shares, const T* dy, T* dx) {
  lines.for_each([&](int64_t line, int item) {
    const Item<kWidth> at(w, item);
    Vector<kWidth> sum = {};
    for_each_output(w, line, at.column, [&](int, int64_t p, int64_t q, int64_t pixel) {
      const auto gradient = load<kWidth>(dy + pixel * w.C + at.channel);
      const float share = shares.of(p, q);
#pragma unroll
      for (int lane = 0; lane < kWidth; ++lane) sum.at[lane] += share * gradient.at[lane];
    });
    store(dx + (line * w.W + at.column) * w.C + at.channel, sum);
  });
}

// One pooling operator between images x and y, or dx and dy.
class Pooling {
 public:
  Pooling(const StepMeta& step, const TensorMeta& x, const TensorMeta& y)
      : shape(read_pooling(step, x, y)), window(window_of(x, y, shape)), type(x.dtype) {
    expect_image(step, x);
    expect_image(step, y);
    step.expect(window.C * std::max(window.W, window.Q) < (int64_t{1} << 30), "rows of ", x.text(),
                " are too long");
  }

  PoolingShape shape;
  Window window;
  DType type;

  // Of y and of x, with `width` channels an item.
  Lines outputs(int width = 1) const {
    return {window.N * window.P, static_cast<int>(window.Q * window.C / width)};
  }
  Lines inputs(int width = 1) const {
    return {window.N * window.H, static_cast<int>(window.W * window.C / width)};
  }
  template <class T>
  bool takes_vectors(const Buffers& buffers) const {
    return window.C % kWide == 0 && is_wide(buffers.in<T>(0)) && is_wide(buffers.out<T>(0));
  }
};

// x -> y
class MaxPool final : public CudaKernel {
 public:
  explicit MaxPool(const StepMeta& step) : pooling_(step, step.inputs.at(0), step.outputs.at(0)) {
    step.expect_arity(1, 1, 1, 1);
  }

  void run(const Buffers& buffers) override {
    with_element(pooling_.type, [&]<class T>(ElementType<T>) {
      const bool wide = pooling_.takes_vectors<T>(buffers);
      const Lines lines = pooling_.outputs(wide ? kWide : 1);
      launch(stream(), lines.grid(), wide ? max_pool<kWide, T> : max_pool<1, T>, pooling_.window,
             lines, buffers.in<T>(0), buffers.out<T>(0));
    });
  }

 private:
  Pooling pooling_;
};

// dy x -> dx; the first maximum in scan order gets it all
class MaxPoolBackward final : public CudaKernel {
 public:
  explicit MaxPoolBackward(const StepMeta& step)
      : pooling_(step, step.outputs.at(0), step.inputs.at(0)), outputs_(step.inputs[0].elements()) {
    step.expect_arity(2, 2, 1, 1);
    expect_same(step, step.inputs[1], step.outputs[0]);
  }

  // A winner for each output
  size_t scratch_bytes() const override { return outputs_ * sizeof(int32_t); }

  void run(const Buffers& buffers) override {
    auto* winners = static_cast<int32_t*>(buffers.scratch);
    const Lines outputs = pooling_.outputs(), inputs = pooling_.inputs();
    with_element(pooling_.type, [&]<class T>(ElementType<T>) {
      launch(stream(), outputs.grid(), find_winners<T>, pooling_.window, outputs, buffers.in<T>(1),
             winners);
      launch(stream(), inputs.grid(), gather_winners<T>, pooling_.window, inputs, buffers.in<T>(0),
             winners, buffers.out<T>(0));
    });
  }

 private:
  Pooling pooling_;
  int64_t outputs_;
};

// The tables of the two averages.
class ShareTables {
 public:
  ShareTables(const StepMeta& step, const Pooling& p)
      : rows_(tap_shares(p.shape, 0, p.window.H, p.window.P, padded(step))),
        columns_(tap_shares(p.shape, 1, p.window.W, p.window.Q, padded(step))) {
    step.expect_arity(1, 1, 1, 1);
  }

  Shares shares() const { return {rows_.data(), columns_.data()}; }

 private:
  static bool padded(const StepMeta& step) { return step.attrs.flag("countIncludePad", false); }

  DeviceTable<float> rows_, columns_;
};

// x -> y
class AveragePool final : public CudaKernel {
 public:
  explicit AveragePool(const StepMeta& step)
      : pooling_(step, step.inputs.at(0), step.outputs.at(0)), tables_(step, pooling_) {}

  void run(const Buffers& buffers) override {
    with_element(pooling_.type, [&]<class T>(ElementType<T>) {
      const bool wide = pooling_.takes_vectors<T>(buffers);
      const Lines lines = pooling_.outputs(wide ? kWide : 1);
      launch(stream(), lines.grid(), wide ? average_pool<kWide, T> : average_pool<1, T>,
             pooling_.window, lines, tables_.shares(), buffers.in<T>(0), buffers.out<T>(0));
    });
  }

 private:
  Pooling pooling_;
  ShareTables tables_;
};

// dy -> dx
class AveragePoolBackward final : public CudaKernel {
 public:
  explicit AveragePoolBackward(const StepMeta& step)
      : pooling_(step, step.outputs.at(0), step.inputs.at(0)), tables_(step, pooling_) {}

  void run(const Buffers& buffers) override {
    with_element(pooling_.type, [&]<class T>(ElementType<T>) {
      const bool wide = pooling_.takes_vectors<T>(buffers);
      const Lines lines = pooling_.inputs(wide ? kWide : 1);
      launch(stream(), lines.grid(),
             wide ? average_pool_backward<kWide, T> : average_pool_backward<1, T>, pooling_.window,
             lines, tables_.shares(), buffers.in<T>(0), buffers.out<T>(0));
    });
  }

 private:
  Pooling pooling_;
  ShareTables tables_;
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

}  // namespace halfspace::cuda
