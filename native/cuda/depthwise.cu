// Convolutions with one filter a channel, NHWC: neighbouring threads do neighbouring channels.
// Square filters of 3 and 5 with stride 1, dilated or not, keep what neighbouring outputs read in
// registers; everything else goes tap by tap. Images are of floats or bf16, filters of floats. Filters are turned from [C, taps] to [taps, C] first.
#include "building_blocks.h"
#include "column_sums.cuh"
#include "convolution_window.h"
#include "depthwise.h"
#include "operands.h"
#include "transposition.h"

namespace halfspace::cuda {
namespace {

// Outputs of one thread, `dilation_w` columns apart, so that they share what they read.
constexpr int kTile = 4;

// The window through which dy makes dx where the stride is 1: the filter turned around.
Window turned(const Window& w) {
  Window back = w;
  std::swap(back.H, back.P);
  std::swap(back.W, back.Q);
  back.top = (w.kh - 1) * w.dilation_h - w.top;
  back.left = (w.kw - 1) * w.dilation_w - w.left;
  return back;
}

bool has_unit_stride(const Window& w) { return w.stride_h == 1 && w.stride_w == 1; }

bool takes_tiles(const Window& w, int side) {
  return has_unit_stride(w) && w.kh == side && w.kw == side;
}

// Threads along a row where each does kTile outputs.
__host__ __device__ int64_t tiles_across(const Window& w) {
  return ceil_div(w.Q, static_cast<int64_t>(kTile) * w.dilation_w) * w.dilation_w;
}

// First output of a tile; the others follow `dilation_w` apart.
__device__ int64_t tile_begin(const Window& w, int tile) {
  return static_cast<int64_t>(tile / w.dilation_w) * w.dilation_w * kTile + tile % w.dilation_w;
}

// What the outputs of a tile read of one row: kSide taps each, neighbours overlapping.
template <int kSide>
struct Strip {
  float at[kTile + kSide - 1];

  template <class T>
  __device__ Strip(const Window& w, const T* row, int64_t first) {
#pragma unroll
    for (int m = 0; m < kTile + kSide - 1; ++m) {
      const int64_t v = first + static_cast<int64_t>(m) * w.dilation_w - w.left;
      at[m] = w.has_column(v) ? to_float(row[v * w.C]) : 0.0f;
    }
  }
};

struct Filter {
  const float* taps;  // [taps, C]
  const float* bias;  // [C] or null
  bool backwards;     // taps in reverse order
  bool relu;

  __device__ float tap(const Window& w, int number, int64_t c) const {
    return taps[(backwards ? w.taps() - 1 - number : number) * w.C + c];
  }
  __device__ float start(int64_t c) const { return bias ? bias[c] : 0.0f; }
  __device__ float finish(float sum) const { return relu && sum < 0.0f ? 0.0f : sum; }
};

template <int kSide, class T>
__global__ void filter_tiles(Window w, Lines lines, Filter filter, const T* x, T* y) {
  lines.for_each([&](int64_t line, int item) {
    const int channels = static_cast<int>(w.C), c = item % channels;
    const int64_t n = line / w.P, p = line % w.P, first = tile_begin(w, item / channels);
    float sum[kTile];
#pragma unroll
    for (int t = 0; t < kTile; ++t) sum[t] = filter.start(c);
#pragma unroll
    for (int i = 0; i < kSide; ++i) {
      const int64_t h = w.row(p, i);
      if (!w.has_row(h)) continue;
      const Strip<kSide> strip(w, x + (n * w.H + h) * w.W * w.C + c, first);
#pragma unroll
      for (int j = 0; j < kSide; ++j) {
        const float weight = filter.tap(w, i * kSide + j, c);
#pragma unroll
        for (int t = 0; t < kTile; ++t) sum[t] += weight * strip.at[t + j];
      }
    }
#pragma unroll
    for (int t = 0; t < kTile; ++t) {
      const int64_t q = first + static_cast<int64_t>(t) * w.dilation_w;
      if (q < w.Q) y[(line * w.Q + q) * w.C + c] = to_element<T>(filter.finish(sum[t]));
    }
  });
}

template <class T>
__global__ void filter_any(Window w, Lines lines, Filter filter, const T* x, T* y) {
  lines.for_each([&](int64_t line, int item) {
    const int channels = static_cast<int>(w.C), c = item % channels, q = item / channels;
    const int64_t n = line / w.P, p = line % w.P;
    float sum = filter.start(c);
    for (int i = 0; i < w.kh; ++i) {
      const int64_t h = w.row(p, i);
      if (!w.has_row(h)) continue;
      for (int j = 0; j < w.kw; ++j) {
        const int64_t v = w.column(q, j);
        if (!w.has_column(v)) continue;
        sum += filter.tap(w, i * w.kw + j, c) * to_float(x[((n * w.H + h) * w.W + v) * w.C + c]);
      }
    }
    y[(line * w.Q + q) * w.C + c] = to_element<T>(filter.finish(sum));
  });
}

// dx from dy where some outputs are left out: each input gathers from the outputs that read it.
template <class T>
__global__ void gather_any(Window w, Lines lines, Filter filter, const T* dy, T* dx) {
  lines.for_each([&](int64_t line, int item) {
    const int channels = static_cast<int>(w.C), c = item % channels, v = item / channels;
    const int64_t n = line / w.H, h = line % w.H;
    float sum = 0.0f;
    for (int i = 0; i < w.kh; ++i) {
      const int64_t p = w.output_row(h, i);
      if (p < 0) continue;
      for (int j = 0; j < w.kw; ++j) {
        const int64_t q = w.output_column(v, j);
        if (q < 0) continue;
        sum += filter.tap(w, i * w.kw + j, c) * to_float(dy[((n * w.P + p) * w.Q + q) * w.C + c]);
      }
    }
    dx[(line * w.W + v) * w.C + c] = to_element<T>(sum);
  });
}

// y = filter * x, through whichever kernel is best.
class Filtering {
 public:
  Filtering(const StepMeta& step, const Window& w)
      : window_(w),
        tiled_(takes_tiles(w, 3) || takes_tiles(w, 5)),
        lines_(lines_of(step, w.N * w.P, (tiled_ ? tiles_across(w) : w.Q) * w.C)) {}

  template <class T>
  void run(const Context& context, const Filter& filter, const T* x, T* y) const {
    const auto kernel = !tiled_           ? filter_any<T>
                        : window_.kh == 3 ? filter_tiles<3, T>
                                          : filter_tiles<5, T>;
    launch(context.stream(), lines_.grid(), kernel, window_, lines_, filter, x, y);
  }

 private:
  Window window_;
  bool tiled_;
  Lines lines_;
};

size_t filter_bytes(const Window& w) { return w.C * w.taps() * sizeof(float); }

// x w [b] -> y
class Depthwise final : public CudaKernel {
 public:
  Depthwise(const StepMeta& step, const ConvolutionShape& shape)
      : window_(window_of(step, shape)),
        filtering_(step, window_),
        relu_(has_relu(step)),
        type_(step.outputs[0].dtype) {}

  size_t scratch_bytes() const override { return filter_bytes(window_); }

  void run(const Buffers& buffers) override {
    auto* taps = static_cast<float*>(buffers.scratch);
    transpose(context_, {1, window_.C, window_.taps()}, buffers.in(1), taps);
    const float* bias = buffers.inputs.size() > 2 ? buffers.in(2) : nullptr;
    with_element(type_, [&]<class T>(ElementType<T>) {
      filtering_.run(context_, {taps, bias, false, relu_}, buffers.in<T>(0), buffers.out<T>(0));
    });
  }

 private:
  Window window_;
  Filtering filtering_;
  bool relu_;
  DType type_;
};

// dy w -> dx
class DepthwiseBackwardData final : public CudaKernel {
 public:
  DepthwiseBackwardData(const StepMeta& step, const ConvolutionShape& shape)
      : window_(window_of(step, shape)),
        filtering_(step, turned(window_)),
        lines_(lines_of(step, window_.N * window_.H, window_.W * window_.C)),
        type_(step.outputs[0].dtype) {}

  size_t scratch_bytes() const override { return filter_bytes(window_); }

  void run(const Buffers& buffers) override {
    auto* taps = static_cast<float*>(buffers.scratch);
    transpose(context_, {1, window_.C, window_.taps()}, buffers.in(1), taps);
    with_element(type_, [&]<class T>(ElementType<T>) {
      const T* dy = buffers.in<T>(0);
      T* dx = buffers.out<T>(0);
      if (has_unit_stride(window_)) {
        filtering_.run(context_, {taps, nullptr, true, false}, dy, dx);
      } else {
        launch(stream(), lines_.grid(), gather_any<T>, window_, lines_,
               Filter{taps, nullptr, false, false}, dy, dx);
      }
    });
  }

 private:
  Window window_;
  Filtering filtering_;
  Lines lines_;
  DType type_;
};

// Adds to dw what the lines [begin, end), `step` apart, contribute for one channel.
template <int kSide, class T>
__device__ void correlate_lines(const Window& w, const T* x, const T* dy, int64_t c,
                                int64_t begin, int64_t end, int64_t step,
                                float (&dw)[kSide * kSide]) {
  const int64_t tiles = tiles_across(w);
  for (int64_t line = begin; line < end; line += step) {
    const int64_t n = line / w.P, p = line % w.P;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t first = tile_begin(w, static_cast<int>(tile));
      float gradient[kTile];
#pragma unroll
      for (int t = 0; t < kTile; ++t) {
        const int64_t q = first + static_cast<int64_t>(t) * w.dilation_w;
        gradient[t] = q < w.Q ? to_float(dy[(line * w.Q + q) * w.C + c]) : 0.0f;
      }
#pragma unroll
      for (int i = 0; i < kSide; ++i) {
        const int64_t h = w.row(p, i);
        if (!w.has_row(h)) continue;
        const Strip<kSide> strip(w, x + (n * w.H + h) * w.W * w.C + c, first);
#pragma unroll
        for (int j = 0; j < kSide; ++j) {
#pragma unroll
          for (int t = 0; t < kTile; ++t) dw[i * kSide + j] += gradient[t] * strip.at[t + j];
        }
      }
    }
  }
}

// How the lines [N, P] are divided: a block has kWarp channels and kWarps parts of the lines.
struct LineParts {
  static constexpr int kWarps = kThreads / kWarp;
  int64_t lines, tiles, parts;

  explicit LineParts(const Window& w) : lines(w.N * w.P), tiles(ceil_div(w.C, kWarp)) {
    constexpr int64_t kBlocks = 512;
    parts = std::clamp<int64_t>(kBlocks / tiles, 1, ceil_div(lines, kWarps)) * kWarps;
  }
};

// partial [parts, taps, C]
template <int kSide, class T>
__global__ void correlate_tiles(Window w, LineParts p, const T* x, const T* dy,
                                float* partial) {
  const int64_t c = blockIdx.x % p.tiles * kWarp + lane_of_warp();
  const int64_t part = blockIdx.x / p.tiles * LineParts::kWarps + threadIdx.x / kWarp;
  if (c >= w.C) return;
  float dw[kSide * kSide] = {};
  correlate_lines<kSide>(w, x, dy, c, part, p.lines, p.parts, dw);
#pragma unroll
  for (int tap = 0; tap < kSide * kSide; ++tap) {
    partial[(part * w.taps() + tap) * w.C + c] = dw[tap];
  }
}

// Writes a total to the plain filter; `column` counts [taps, C].
struct FinishPartial {
  float* dw;
  int64_t taps, channels;
  __device__ void operator()(int64_t, int64_t column, const double (&sums)[1]) const {
    dw[column % channels * taps + column / channels] = static_cast<float>(sums[0]);
  }
};

// dw through registers, for what takes_tiles.
class Correlation {
 public:
  explicit Correlation(const Window& w)
      : window_(w), parts_(w), cut_(1, parts_.parts, w.taps() * w.C) {}

  // [parts, taps, C] floats, then sums
  size_t scratch_bytes() const { return align_up(partial_bytes()) + cut_.scratch_bytes(1); }

  template <class T>
  void run(const Context& context, const Buffers& buffers) const {
    auto* partial = static_cast<float*>(buffers.scratch);
    const Grid grid{dim3(static_cast<unsigned>(parts_.tiles * parts_.parts / LineParts::kWarps))};
    launch(context.stream(), grid, window_.kh == 3 ? correlate_tiles<3, T> : correlate_tiles<5, T>,
           window_, parts_, buffers.in<T>(0), buffers.in<T>(1), partial);
    sum_columns<1>(context, cut_, ElementTerm<float>{partial, cut_.rows, cut_.columns},
                   FinishPartial{buffers.out(0), window_.taps(), window_.C},
                   static_cast<char*>(buffers.scratch) + align_up(partial_bytes()));
  }

 private:
  size_t partial_bytes() const { return cut_.rows * cut_.columns * sizeof(float); }

  Window window_;
  LineParts parts_;
  ColumnCut cut_;
};

// One tap of dw as a sum down the columns of [N P Q, C].
template <class T>
struct TapTerm {
  Window w;
  const T *x, *dy;

  struct Column {
    const Window& w;
    const T *x, *dy;
    int i, j;
    __device__ void operator()(int64_t row, double (&sums)[1]) const {
      const int64_t line = row / w.Q, h = w.row(line % w.P, i), v = w.column(row % w.Q, j);
      if (!w.has_row(h) || !w.has_column(v)) return;
      const double gradient = to_float(dy[row * w.C]);
      sums[0] += gradient * to_float(x[((line / w.P * w.H + h) * w.W + v) * w.C]);
    }
  };
  __device__ Column at(int64_t tap, int64_t channel) const {
    return {w, x + channel, dy + channel, static_cast<int>(tap) / w.kw,
            static_cast<int>(tap) % w.kw};
  }
};

struct FinishTap {
  float* dw;
  int64_t taps;
  __device__ void operator()(int64_t tap, int64_t channel, const double (&sums)[1]) const {
    dw[channel * taps + tap] = static_cast<float>(sums[0]);
  }
};

// x dy -> dw [db]
class DepthwiseBackwardWeights final : public CudaKernel {
 public:
  DepthwiseBackwardWeights(const StepMeta& step, const ConvolutionShape& shape)
      : window_(window_of(step, shape)),
        tiled_(takes_tiles(window_, 3) || takes_tiles(window_, 5)),
        correlation_(window_),
        cut_(window_.taps(), pixels(), window_.C),
        type_(step.inputs[0].dtype) {}

  size_t scratch_bytes() const override {
    const size_t weights = tiled_ ? correlation_.scratch_bytes() : cut_.scratch_bytes(1);
    return std::max(weights, sum_columns_scratch(pixels(), window_.C));
  }

  void run(const Buffers& buffers) override {
    with_element(type_, [&]<class T>(ElementType<T>) {
      if (tiled_) return correlation_.run<T>(context_, buffers);
      sum_columns<1>(context_, cut_, TapTerm<T>{window_, buffers.in<T>(0), buffers.in<T>(1)},
                     FinishTap{buffers.out(0), window_.taps()}, buffers.scratch);
    });
    if (buffers.outputs.size() == 2) {
      sum_columns(context_, buffers.in(1), type_, buffers.out(1), pixels(), window_.C,
                  buffers.scratch);
    }
  }

 private:
  int64_t pixels() const { return window_.N * window_.P * window_.Q; }

  Window window_;
  bool tiled_;
  Correlation correlation_;
  ColumnCut cut_;
  DType type_;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise(const StepMeta& step, const ConvolutionShape& shape) {
  return std::make_unique<Depthwise>(step, shape);
}

std::unique_ptr<Kernel> make_depthwise_backward_data(const StepMeta& step,
                                                     const ConvolutionShape& shape) {
  return std::make_unique<DepthwiseBackwardData>(step, shape);
}

std::unique_ptr<Kernel> make_depthwise_backward_weights(const StepMeta& step,
                                                        const ConvolutionShape& shape) {
  return std::make_unique<DepthwiseBackwardWeights>(step, shape);
}

}  // namespace halfspace::cuda
