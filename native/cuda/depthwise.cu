// Neighbouring threads do neighbouring channels, and each keeps what neighbouring outputs read in registers.
// Images are of floats or bf16, filters of floats, which are turned from [C, taps] to [taps, C] first.
#include "building_blocks.h"
#include "column_sums.cuh"
#include "convolution_window.h"
#include "depthwise.h"
#include "operands.h"
#include "scratch.h"
#include "transposition.h"

namespace halfspace::cuda {
namespace {

// Outputs of one thread, `dilation_w` columns apart, so that they share what they read.
constexpr int kTile = 4;

// The window through which dy makes dx: the filter turned around.
Window turned(const Window& w) {
  Window back = w;
  std::swap(back.H, back.P);
  std::swap(back.W, back.Q);
  back.top = (w.kh - 1) * w.dilation_h - w.top;
  back.left = (w.kw - 1) * w.dilation_w - w.left;
  return back;
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
  bool backwards;     // taps in reverse order
  Ending ending;

  __device__ float tap(const Window& w, int number, int64_t c) const {
    return taps[(backwards ? w.taps() - 1 - number : number) * w.C + c];
  }
};

template <int kSide, class T>
__global__ void filter_tiles(Window w, Lines lines, Filter filter, const T* x, T* y) {
  lines.for_each([&](int64_t line, int item) {
    const int channels = static_cast<int>(w.C), c = item % channels;
    const int64_t n = line / w.P, p = line % w.P, first = tile_begin(w, item / channels);
    float sum[kTile];
#pragma unroll
    for (int t = 0; t < kTile; ++t) sum[t] = filter.ending.start(c);
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
      if (q < w.Q) y[(line * w.Q + q) * w.C + c] = to_element<T>(filter.ending.finish(sum[t]));
    }
  });
}

// x w [b] -> y, or turned dy w -> dx
class Depthwise final : public CudaKernel {
 public:
  Depthwise(const StepMeta& step, const Window& w, bool backwards)
      : window_(w),
        lines_(lines_of(step, w.N * w.P, tiles_across(w) * w.C)),
        backwards_(backwards),
        relu_(has_relu(step)),
        type_(step.outputs[0].dtype) {}

  size_t scratch_bytes() const override { return window_.C * window_.taps() * sizeof(float); }

  void run(const Buffers& buffers) override {
    auto* taps = static_cast<float*>(buffers.scratch);
    transpose(context_, {1, window_.C, window_.taps()}, buffers.in(1), taps);
    const float* bias = buffers.inputs.size() > 2 ? buffers.in(2) : nullptr;
    with_element(type_, [&]<class T>(ElementType<T>) {
      launch(stream(), lines_.grid(), window_.kh == 3 ? filter_tiles<3, T> : filter_tiles<5, T>,
             window_, lines_, Filter{taps, backwards_, {bias, relu_}}, buffers.in<T>(0),
             buffers.out<T>(0));
    });
  }

 private:
  Window window_;
  Lines lines_;
  bool backwards_, relu_;
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

// x dy -> dw [db]
class DepthwiseBackwardWeights final : public CudaKernel {
 public:
  DepthwiseBackwardWeights(const StepMeta& step, const Window& w)
      : window_(w),
        parts_(w),
        cut_(1, parts_.parts, w.taps() * w.C),
        type_(step.inputs[0].dtype) {
    partial_at_ = scratch_.reserve(cut_.rows * cut_.columns * sizeof(float));
    sums_at_ = scratch_.reserve(
        std::max(cut_.scratch_bytes(1), sum_columns_scratch(pixels(), window_.C)));
  }

  size_t scratch_bytes() const override { return scratch_.bytes(); }

  void run(const Buffers& buffers) override {
    auto* partial = static_cast<float*>(piece(buffers, partial_at_));
    void* sums = piece(buffers, sums_at_);
    const Grid grid{dim3(static_cast<unsigned>(parts_.tiles * parts_.parts / LineParts::kWarps))};
    with_element(type_, [&]<class T>(ElementType<T>) {
      launch(stream(), grid, window_.kh == 3 ? correlate_tiles<3, T> : correlate_tiles<5, T>,
             window_, parts_, buffers.in<T>(0), buffers.in<T>(1), partial);
    });
    sum_columns<1>(context_, cut_, ElementTerm<float>{partial, cut_.rows, cut_.columns},
                   FinishPartial{buffers.out(0), window_.taps(), window_.C}, sums);
    if (buffers.outputs.size() < 2) return;
    sum_columns(context_, buffers.in(1), type_, buffers.out(1), pixels(), window_.C, sums);
  }

 private:
  int64_t pixels() const { return window_.N * window_.P * window_.Q; }

  Window window_;
  LineParts parts_;  // their sums: [parts, taps, C] floats
  ColumnCut cut_;
  DType type_;
  Scratch scratch_;
  size_t partial_at_, sums_at_;
};

}  // namespace

bool is_tiled(const ConvolutionShape& s) {
  return s.is_depthwise() && s.r == s.s && (s.r == 3 || s.r == 5) && s.strides[0] == 1 &&
         s.strides[1] == 1;
}

std::unique_ptr<Kernel> make_depthwise(const StepMeta& step, const ConvolutionShape& shape) {
  return std::make_unique<Depthwise>(step, window_of(step, shape), false);
}

std::unique_ptr<Kernel> make_depthwise_backward_data(const StepMeta& step,
                                                     const ConvolutionShape& shape) {
  return std::make_unique<Depthwise>(step, turned(window_of(step, shape)), true);
}

std::unique_ptr<Kernel> make_depthwise_backward_weights(const StepMeta& step,
                                                        const ConvolutionShape& shape) {
  return std::make_unique<DepthwiseBackwardWeights>(step, window_of(step, shape));
}

}  // namespace halfspace::cuda
