// Every result is summed by one thread in a fixed order; neighbouring threads do neighbouring channels, so
// that they read one pixel of the other image together. Images x [N,H,W,C] and y [N,P,Q,K] are of floats or
// bf16; weights [K,C/groups,R,S] stay floats and are brought side by side too.
#include "building_blocks.h"
#include "column_sums.cuh"
#include "convolution_window.h"
#include "direct_convolution.h"
#include "operands.h"
#include "scratch.h"
#include "taps.cuh"

namespace halfspace::cuda {
namespace {

// Channels are in groups: a result has `own` in each and sums over `other` of the image that it reads.
struct Pass {
  Window window;
  int64_t groups, own, other;

  __host__ __device__ int64_t channels() const { return groups * own; }
  __host__ __device__ int64_t weights() const { return window.taps() * channels() * other; }
};

// y from x
struct Outputs : Pass {
  Outputs(const StepMeta& step, const ConvolutionShape& s)
      : Pass{window_of(step, s), s.groups, s.k / s.groups, s.c / s.groups} {}

  Lines lines(const StepMeta& step) const {
    return lines_of(step, window.N * window.P, window.Q * channels());
  }
  template <class Visit>
  __device__ void for_each_pixel(int64_t line, int64_t column, const Visit& visit) const {
    for_each_tap(window, line, column, visit);
  }
  // Which of the weights [K, C/groups] stands between two channels.
  __device__ int64_t weight(int64_t channel, int64_t read) const { return channel * other + read; }
};

// dx from dy: each gathers from the outputs that read it.
struct Inputs : Pass {
  Inputs(const StepMeta& step, const ConvolutionShape& s)
      : Pass{window_of(step, s), s.groups, s.c / s.groups, s.k / s.groups} {}

  Lines lines(const StepMeta& step) const {
    return lines_of(step, window.N * window.H, window.W * channels());
  }
  template <class Visit>
  __device__ void for_each_pixel(int64_t line, int64_t column, const Visit& visit) const {
    for_each_output(window, line, column,
                    [&](int tap, int64_t, int64_t, int64_t pixel) { visit(tap, pixel); });
  }
  __device__ int64_t weight(int64_t channel, int64_t read) const {
    return (channel / own * other + read) * own + channel % own;
  }
};

// [K, C/groups, taps] to [other, taps, channels]
template <class Pass>
__global__ void arrange(Pass pass, const float* from, float* to) {
  const int64_t channels = pass.channels(), taps = pass.window.taps(), count = pass.weights();
  for (int64_t i = first_item(); i < count; i += item_step()) {
    const int64_t row = i / channels;
    to[i] = from[pass.weight(i % channels, row / taps) * taps + row % taps];
  }
}

// weights [other, taps, channels]
template <class Pass, class T>
__global__ void sum_products(Pass pass, Lines lines, const float* weights, Ending ending,
                             const T* from, T* to) {
  lines.for_each([&](int64_t line, int item) {
    const int channels = static_cast<int>(pass.channels()), channel = item % channels;
    const int64_t group = channel / static_cast<int>(pass.own);
    const int64_t stride = static_cast<int64_t>(pass.window.taps()) * channels;
    float sum = ending.start(channel);
    pass.for_each_pixel(line, item / channels, [&](int tap, int64_t pixel) {
      const T* read = from + (pixel * pass.groups + group) * pass.other;
      const float* weight = weights + static_cast<int64_t>(tap) * channels + channel;
      for (int64_t c = 0; c < pass.other; ++c) sum += weight[c * stride] * to_float(read[c]);
    });
    to[line * lines.items + item] = to_element<T>(ending.finish(sum));
  });
}

// x w [b] -> y, or dy w -> dx
template <class Pass>
class Direct final : public CudaKernel {
 public:
  Direct(const StepMeta& step, const ConvolutionShape& shape)
      : pass_(step, shape),
        lines_(pass_.lines(step)),
        relu_(has_relu(step)),
        type_(step.outputs[0].dtype) {}

  size_t scratch_bytes() const override { return pass_.weights() * sizeof(float); }

  void run(const Buffers& buffers) override {
    auto* weights = static_cast<float*>(buffers.scratch);
    launch(stream(), context_.cover(pass_.weights()), arrange<Pass>, pass_, buffers.in(1), weights);
    const Ending ending{buffers.inputs.size() > 2 ? buffers.in(2) : nullptr, relu_};
    with_element(type_, [&]<class T>(ElementType<T>) {
      launch(stream(), lines_.grid(), sum_products<Pass, T>, pass_, lines_, weights, ending,
             buffers.in<T>(0), buffers.out<T>(0));
    });
  }

 private:
  Pass pass_;
  Lines lines_;
  bool relu_;
  DType type_;
};

// The weights of one tap as sums over the pixels of y: down the columns of [N P Q, K C/groups].
template <class T>
struct WeightTerm {
  Outputs pass;
  const T *x, *dy;

  struct Column {
    const Outputs& pass;
    const T *x, *dy;  // at their channels
    int i, j;
    __device__ void operator()(int64_t row, double (&sums)[1]) const {
      const Window& w = pass.window;
      const int64_t line = row / w.Q, h = w.row(line % w.P, i), v = w.column(row % w.Q, j);
      if (!w.has_row(h) || !w.has_column(v)) return;
      const double gradient = to_float(dy[row * pass.channels()]);
      sums[0] += gradient * to_float(x[((line / w.P * w.H + h) * w.W + v) * w.C]);
    }
  };
  __device__ Column at(int64_t tap, int64_t column) const {
    const int64_t k = column / pass.other, c = k / pass.own * pass.other + column % pass.other;
    const int across = pass.window.kw;
    return {pass, x + c, dy + k, static_cast<int>(tap) / across, static_cast<int>(tap) % across};
  }
};

struct FinishWeight {
  float* dw;  // [K C/groups, taps]
  int64_t taps;
  __device__ void operator()(int64_t tap, int64_t column, const double (&sums)[1]) const {
    dw[column * taps + tap] = static_cast<float>(sums[0]);
  }
};

// x dy -> dw [db]
class DirectBackwardWeights final : public CudaKernel {
 public:
  DirectBackwardWeights(const StepMeta& step, const ConvolutionShape& s)
      : pass_(step, s),
        cut_(pass_.window.taps(), s.n * s.p * s.q, pass_.channels() * pass_.other),
        type_(step.inputs[0].dtype) {}

  size_t scratch_bytes() const override {
    return std::max(cut_.scratch_bytes(1), sum_columns_scratch(cut_.rows, pass_.channels()));
  }

  void run(const Buffers& buffers) override {
    with_element(type_, [&]<class T>(ElementType<T>) {
      sum_columns<1>(context_, cut_, WeightTerm<T>{pass_, buffers.in<T>(0), buffers.in<T>(1)},
                     FinishWeight{buffers.out(0), cut_.batch}, buffers.scratch);
    });
    if (buffers.outputs.size() < 2) return;
    sum_columns(context_, buffers.in(1), type_, buffers.out(1), cut_.rows, pass_.channels(),
                buffers.scratch);
  }

 private:
  Outputs pass_;
  ColumnCut cut_;
  DType type_;
};

}  // namespace

std::unique_ptr<Kernel> make_direct(const StepMeta& step, const ConvolutionShape& shape) {
  return std::make_unique<Direct<Outputs>>(step, shape);
}

std::unique_ptr<Kernel> make_direct_backward_data(const StepMeta& step, const ConvolutionShape& shape) {
  return std::make_unique<Direct<Inputs>>(step, shape);
}

std::unique_ptr<Kernel> make_direct_backward_weights(const StepMeta& step,
                                                     const ConvolutionShape& shape) {
  return std::make_unique<DirectBackwardWeights>(step, shape);
}

}  // namespace halfspace::cuda
