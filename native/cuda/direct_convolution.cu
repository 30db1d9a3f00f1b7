// Every result is summed by one thread in a fixed order; neighbouring threads do neighbouring channels, so
// that they read one pixel of the other image together and neighbouring weights. Images x [N,H,W,C] and
// y [N,P,Q,K] are of floats or bf16; weights [K,C/groups,R,S] stay floats and are turned so that neighbours
// lie side by side.
#include "building_blocks.h"
#include "column_sums.cuh"
#include "convolution_window.h"
#include "direct_convolution.h"
#include "operands.h"
#include "scratch.h"
#include "transposition.h"

namespace halfspace::cuda {
namespace {

// A window over channels in groups: `in` of x and `out` of y in each.
struct Grouped {
  Window window;
  int64_t K, in, out;

  Grouped(const StepMeta& step, const ConvolutionShape& s)
      : window(window_of(step, s)), K(s.k), in(s.c / s.groups), out(s.k / s.groups) {}

  int64_t weights() const { return K * in * window.taps(); }
  __device__ const auto* pixel(const auto* x, int64_t n, int64_t h, int64_t v) const {
    return x + ((n * window.H + h) * window.W + v) * window.C;
  }
  __device__ const auto* output(const auto* y, int64_t n, int64_t p, int64_t q) const {
    return y + ((n * window.P + p) * window.Q + q) * K;
  }
};

struct Ending {
  const float* bias;  // [K] or null
  bool relu;

  __device__ float start(int64_t k) const { return bias ? bias[k] : 0.0f; }
  __device__ float finish(float sum) const { return relu && sum < 0.0f ? 0.0f : sum; }
};

// weights [in, taps, K]
template <class T>
__global__ void convolve(Grouped g, Lines lines, Ending ending, const T* x, const float* weights,
                         T* y) {
  const Window& w = g.window;
  lines.for_each([&](int64_t line, int item) {
    const int64_t k = item % g.K, q = item / g.K, n = line / w.P, p = line % w.P;
    float sum = ending.start(k);
    for (int i = 0; i < w.kh; ++i) {
      const int64_t h = w.row(p, i);
      if (!w.has_row(h)) continue;
      for (int j = 0; j < w.kw; ++j) {
        const int64_t v = w.column(q, j);
        if (!w.has_column(v)) continue;
        const T* pixel = g.pixel(x, n, h, v) + k / g.out * g.in;
        const float* weight = weights + (i * w.kw + j) * g.K + k;
        for (int64_t c = 0; c < g.in; ++c) sum += weight[c * w.taps() * g.K] * to_float(pixel[c]);
      }
    }
    y[line * w.Q * g.K + item] = to_element<T>(ending.finish(sum));
  });
}

// Each element of dx gathers from the outputs that read it. weights [K, taps, in]
template <class T>
__global__ void gather(Grouped g, Lines lines, const T* dy, const float* weights, T* dx) {
  const Window& w = g.window;
  lines.for_each([&](int64_t line, int item) {
    const int64_t c = item % w.C, v = item / w.C, n = line / w.H, h = line % w.H;
    const int64_t first = c / g.in * g.out;
    float sum = 0.0f;
    for (int i = 0; i < w.kh; ++i) {
      const int64_t p = w.output_row(h, i);
      if (p < 0) continue;
      for (int j = 0; j < w.kw; ++j) {
        const int64_t q = w.output_column(v, j);
        if (q < 0) continue;
        const T* gradient = g.output(dy, n, p, q) + first;
        const float* weight = weights + (first * w.taps() + i * w.kw + j) * g.in + c % g.in;
        for (int64_t k = 0; k < g.out; ++k) {
          sum += weight[k * w.taps() * g.in] * to_float(gradient[k]);
        }
      }
    }
    dx[line * w.W * w.C + item] = to_element<T>(sum);
  });
}

// The weights of one tap as sums over the pixels of y: down the columns of [N P Q, K in].
template <class T>
struct WeightTerm {
  Grouped g;
  const T *x, *dy;

  struct Column {
    const Grouped& g;
    const T *x, *dy;  // at their channels
    int i, j;
    __device__ void operator()(int64_t row, double (&sums)[1]) const {
      const Window& w = g.window;
      const int64_t line = row / w.Q, h = w.row(line % w.P, i), v = w.column(row % w.Q, j);
      if (!w.has_row(h) || !w.has_column(v)) return;
      const double gradient = to_float(dy[row * g.K]);
      sums[0] += gradient * to_float(*g.pixel(x, line / w.P, h, v));
    }
  };
  __device__ Column at(int64_t tap, int64_t column) const {
    const int64_t k = column / g.in, c = k / g.out * g.in + column % g.in;
    return {g, x + c, dy + k, static_cast<int>(tap) / g.window.kw,
            static_cast<int>(tap) % g.window.kw};
  }
};

struct FinishWeight {
  float* dw;  // [K in, taps]
  int64_t taps;
  __device__ void operator()(int64_t tap, int64_t column, const double (&sums)[1]) const {
    dw[column * taps + tap] = static_cast<float>(sums[0]);
  }
};

// x w [b] -> y
class Direct final : public CudaKernel {
 public:
  Direct(const StepMeta& step, const ConvolutionShape& s)
      : grouped_(step, s),
        lines_(lines_of(step, s.n * s.p, s.q * s.k)),
        relu_(has_relu(step)),
        type_(step.outputs[0].dtype) {}

  size_t scratch_bytes() const override { return grouped_.weights() * sizeof(float); }

  void run(const Buffers& buffers) override {
    auto* weights = static_cast<float*>(buffers.scratch);
    transpose(context_, {1, grouped_.K, grouped_.weights() / grouped_.K}, buffers.in(1), weights);
    const Ending ending{buffers.inputs.size() > 2 ? buffers.in(2) : nullptr, relu_};
    with_element(type_, [&]<class T>(ElementType<T>) {
      launch(stream(), lines_.grid(), convolve<T>, grouped_, lines_, ending, buffers.in<T>(0), weights,
             buffers.out<T>(0));
    });
  }

 private:
  Grouped grouped_;
  Lines lines_;
  bool relu_;
  DType type_;
};

// dy w -> dx
class DirectBackwardData final : public CudaKernel {
 public:
  DirectBackwardData(const StepMeta& step, const ConvolutionShape& s)
      : grouped_(step, s),
        lines_(lines_of(step, s.n * s.h, s.w * s.c)),
        type_(step.outputs[0].dtype) {}

  size_t scratch_bytes() const override { return grouped_.weights() * sizeof(float); }

  void run(const Buffers& buffers) override {
    auto* weights = static_cast<float*>(buffers.scratch);
    transpose(context_, {grouped_.K, grouped_.in, grouped_.window.taps()}, buffers.in(1), weights);
    with_element(type_, [&]<class T>(ElementType<T>) {
      launch(stream(), lines_.grid(), gather<T>, grouped_, lines_, buffers.in<T>(0), weights,
             buffers.out<T>(0));
    });
  }

 private:
  Grouped grouped_;
  Lines lines_;
  DType type_;
};

// x dy -> dw [db]
class DirectBackwardWeights final : public CudaKernel {
 public:
  DirectBackwardWeights(const StepMeta& step, const ConvolutionShape& s)
      : grouped_(step, s),
        cut_(grouped_.window.taps(), s.n * s.p * s.q, grouped_.K * grouped_.in),
        type_(step.inputs[0].dtype) {}

  size_t scratch_bytes() const override {
    return std::max(cut_.scratch_bytes(1), sum_columns_scratch(cut_.rows, grouped_.K));
  }

  void run(const Buffers& buffers) override {
    with_element(type_, [&]<class T>(ElementType<T>) {
      sum_columns<1>(context_, cut_, WeightTerm<T>{grouped_, buffers.in<T>(0), buffers.in<T>(1)},
                     FinishWeight{buffers.out(0), grouped_.window.taps()}, buffers.scratch);
    });
    if (buffers.outputs.size() < 2) return;
    sum_columns(context_, buffers.in(1), type_, buffers.out(1), cut_.rows, grouped_.K,
                buffers.scratch);
  }

 private:
  Grouped grouped_;
  ColumnCut cut_;
  DType type_;
};

}  // namespace

std::unique_ptr<Kernel> make_direct(const StepMeta& step, const ConvolutionShape& shape) {
  return std::make_unique<Direct>(step, shape);
}

std::unique_ptr<Kernel> make_direct_backward_data(const StepMeta& step, const ConvolutionShape& shape) {
  return std::make_unique<DirectBackwardData>(step, shape);
}

std::unique_ptr<Kernel> make_direct_backward_weights(const StepMeta& step,
                                                     const ConvolutionShape& shape) {
  return std::make_unique<DirectBackwardWeights>(step, shape);
}

}  // namespace halfspace::cuda
