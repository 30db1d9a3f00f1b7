// Max, average and global average pooling of blocked images, forward and backward. Windows are clipped
// to the image, so padding never wins a maximum. Backward adds into dx plane by plane in scan order;
// one plane belongs to one thread.
#include <limits>

#include "image.h"
#include "kernels.h"
#include "simd.h"

namespace halfspace::cpu {
namespace {

// The taps of one window along one axis that lie inside the image, and where they lie.
struct Taps {
  int64_t start;  // input position of tap 0, possibly outside
  int32_t first, last;
  int32_t padded;  // taps inside the padded image
};

// One axis of a pooling operator: taps for each output position.
struct Axis {
  int64_t kernel, dilation;
  std::vector<Taps> taps;

  Axis(int64_t size, int64_t outputs, int64_t kernel, int64_t stride, int64_t dilation,
       int64_t before, int64_t after)
      : kernel(kernel), dilation(dilation) {
    for (int64_t o = 0; o < outputs; ++o) {
      const int64_t start = o * stride - before;
      const auto below = [&](int64_t position) {
        return std::clamp<int64_t>(position <= start ? 0 : ceil_div(position - start, dilation), 0,
                                   kernel);
      };
      const int64_t first = below(0), last = std::max(first, below(size));
      taps.push_back({start, static_cast<int32_t>(first), static_cast<int32_t>(last),
                      static_cast<int32_t>(below(size + after))});
    }
  }
};

struct Window {
  Axis rows, columns;
};

Window window_of(const StepMeta& step, const TensorMeta& x, const TensorMeta& y) {
  expect_blocked(step, x);
  expect_blocked(step, y);
  step.expect(x.dim(0) == y.dim(0) && x.dim(1) == y.dim(1), "pooling keeps batch and channels: ",
              x.text(), " and ", y.text());
  const auto kernel = step.attrs.integers("kernel");
  const auto strides = step.attrs.integers("strides");
  const auto padding = step.attrs.integers("padding", {0, 0, 0, 0});
  const auto dilations = step.attrs.integers("dilations", {1, 1});
  step.expect(kernel.size() == 2 && strides.size() == 2 && padding.size() == 4 &&
                  dilations.size() == 2,
              "expected kernel[2], strides[2], padding[4], dilations[2]");
  for (size_t i = 0; i < 2; ++i) {
    constexpr int64_t kMost = 1 << 20;
    step.expect(kernel[i] > 0 && kernel[i] < kMost && strides[i] > 0 && strides[i] < kMost &&
                    dilations[i] > 0 && dilations[i] < kMost,
                "kernel, strides and dilations must be positive");
    step.expect(padding[i] >= 0 && padding[i + 2] >= 0 && padding[i] < kMost &&
                    padding[i + 2] < kMost,
                "padding must not be negative");
  }
  return {Axis(x.dim(2), y.dim(2), kernel[0], strides[0], dilations[0], padding[0], padding[2]),
          Axis(x.dim(3), y.dim(3), kernel[1], strides[1], dilations[1], padding[1], padding[3])};
}

// What a leaf loop needs to walk one window; positions are offsets in floats from a plane.
struct Walk {
  int64_t row;                     // floats of an input row
  int64_t row_start, row_step;     // of tap 0, between taps
  int64_t column_start, column_step;
  int32_t first_row, last_row, first_column, last_column;
};

Walk walk_of(const Window& window, int64_t oh, int64_t ow, int64_t row) {
  const Taps &h = window.rows.taps[oh], &w = window.columns.taps[ow];
  return {row,
          h.start * row,
          window.rows.dilation * row,
          w.start * kBlock,
          window.columns.dilation * kBlock,
          h.first,
          h.last,
          w.first,
          w.last};
}

// y[c] = max over the window; NaN wins. An empty window gives -infinity.
HALFSPACE_SIMD void max_window(const float* x, const Walk* walk, float* y) {
  float best[kBlock];
  for (int64_t c = 0; c < kBlock; ++c) best[c] = -std::numeric_limits<float>::infinity();
  for (int64_t i = walk->first_row; i < walk->last_row; ++i) {
    for (int64_t j = walk->first_column; j < walk->last_column; ++j) {
      const float* p = x + walk->row_start + i * walk->row_step + walk->column_start +
                       j * walk->column_step;
#pragma omp simd
      for (int64_t c = 0; c < kBlock; ++c) {
        best[c] = (p[c] > best[c] || p[c] != p[c]) ? p[c] : best[c];
      }
    }
  }
  for (int64_t c = 0; c < kBlock; ++c) y[c] = best[c];
}

// Finds the first maximum of each channel again and adds dy there.
HALFSPACE_SIMD void max_window_backward(const float* x, const float* dy, const Walk* walk,
                                        float* dx) {
  float best[kBlock];
  int32_t place[kBlock], tap = 0;
  for (int64_t c = 0; c < kBlock; ++c) {
    best[c] = -std::numeric_limits<float>::infinity();
    place[c] = 0;
  }
  for (int64_t i = walk->first_row; i < walk->last_row; ++i) {
    for (int64_t j = walk->first_column; j < walk->last_column; ++j, ++tap) {
      const float* p = x + walk->row_start + i * walk->row_step + walk->column_start +
                       j * walk->column_step;
#pragma omp simd
      for (int64_t c = 0; c < kBlock; ++c) {
        const bool better = p[c] > best[c] || p[c] != p[c];
        best[c] = better ? p[c] : best[c];
        place[c] = better ? tap : place[c];
      }
    }
  }
  tap = 0;
  for (int64_t i = walk->first_row; i < walk->last_row; ++i) {
    for (int64_t j = walk->first_column; j < walk->last_column; ++j, ++tap) {
      float* p = dx + walk->row_start + i * walk->row_step + walk->column_start +
                 j * walk->column_step;
#pragma omp simd
      for (int64_t c = 0; c < kBlock; ++c) p[c] += place[c] == tap ? dy[c] : 0.0f;
    }
  }
}

// y[c] = factor * sum over the window
HALFSPACE_SIMD void average_window(const float* x, const Walk* walk, float factor, float* y) {
  float sum[kBlock] = {};
  for (int64_t i = walk->first_row; i < walk->last_row; ++i) {
    for (int64_t j = walk->first_column; j < walk->last_column; ++j) {
      const float* p = x + walk->row_start + i * walk->row_step + walk->column_start +
                       j * walk->column_step;
#pragma omp simd
      for (int64_t c = 0; c < kBlock; ++c) sum[c] += p[c];
    }
  }
  for (int64_t c = 0; c < kBlock; ++c) y[c] = factor * sum[c];
}

HALFSPACE_SIMD void average_window_backward(const float* dy, const Walk* walk, float factor,
                                            float* dx) {
  for (int64_t i = walk->first_row; i < walk->last_row; ++i) {
    for (int64_t j = walk->first_column; j < walk->last_column; ++j) {
      float* p = dx + walk->row_start + i * walk->row_step + walk->column_start +
                 j * walk->column_step;
#pragma omp simd
      for (int64_t c = 0; c < kBlock; ++c) p[c] += factor * dy[c];
    }
  }
}

// One pooling operator on images x and y (or dx and dy): who pools where.
class Pooling {
 public:
  Pooling(const StepMeta& step, const TensorMeta& x, const TensorMeta& y)
      : x_(x), y_(y), window_(window_of(step, x, y)) {}

  // Calls visit(walk, plane offset in x, pixel offset in y, oh, ow); a row of y is one piece.
  template <class Visit>
  void for_each_output(Visit&& visit) const {
    parallel_for(y_.planes() * y_.height, y_.stored() + x_.stored(), [&](int64_t row) {
      visit_row(row / y_.height, row % y_.height, visit);
    });
  }

  // The same plane by plane, after `clear` of each plane's offset and size in x.
  template <class Clear, class Visit>
  void for_each_plane(Clear&& clear, Visit&& visit) const {
    parallel_for(y_.planes(), y_.stored() + x_.stored(), [&](int64_t plane) {
      clear(plane * x_.plane(), x_.plane());
      for (int64_t oh = 0; oh < y_.height; ++oh) visit_row(plane, oh, visit);
    });
  }

  // 1 / the number of elements that an average is over.
  float factor(int64_t oh, int64_t ow, bool include_padding) const {
    const Taps &h = window_.rows.taps[oh], &w = window_.columns.taps[ow];
    const int64_t count = include_padding ? int64_t{h.padded} * w.padded
                                          : int64_t{h.last - h.first} * (w.last - w.first);
    return 1.0f / static_cast<float>(std::max<int64_t>(count, 1));
  }

 private:
  template <class Visit>
  void visit_row(int64_t plane, int64_t oh, Visit& visit) const {
    for (int64_t ow = 0; ow < y_.width; ++ow) {
      const Walk walk = walk_of(window_, oh, ow, x_.row());
      visit(walk, plane * x_.plane(), plane * y_.plane() + (oh * y_.width + ow) * kBlock, oh, ow);
    }
  }

  Image x_, y_;
  Window window_;
};

// x -> y
class MaxPool : public Kernel {
 public:
  explicit MaxPool(const StepMeta& step) : pooling_(step, step.inputs.at(0), step.outputs.at(0)) {
    step.expect_arity(1, 1, 1, 1);
  }

  void run(const Buffers& buffers) override {
    pooling_.for_each_output([&](const Walk& walk, int64_t x, int64_t y, int64_t, int64_t) {
      max_window(buffers.in(0) + x, &walk, buffers.out(0) + y);
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

  void run(const Buffers& buffers) override {
    const float *dy = buffers.in(0), *x = buffers.in(1);
    float* dx = buffers.out(0);
    pooling_.for_each_plane(
        [&](int64_t plane, int64_t size) { std::memset(dx + plane, 0, size * sizeof(float)); },
        [&](const Walk& walk, int64_t plane, int64_t pixel, int64_t, int64_t) {
          max_window_backward(x + plane, dy + pixel, &walk, dx + plane);
        });
  }

 private:
  Pooling pooling_;
};

// x -> y
class AveragePool : public Kernel {
 public:
  explicit AveragePool(const StepMeta& step)
      : pooling_(step, step.inputs.at(0), step.outputs.at(0)),
        include_padding_(step.attrs.flag("countIncludePad", false)) {
    step.expect_arity(1, 1, 1, 1);
  }

  void run(const Buffers& buffers) override {
    pooling_.for_each_output([&](const Walk& walk, int64_t x, int64_t y, int64_t oh, int64_t ow) {
      average_window(buffers.in(0) + x, &walk, pooling_.factor(oh, ow, include_padding_),
                     buffers.out(0) + y);
    });
  }

 private:
  Pooling pooling_;
  bool include_padding_;
};

// dy -> dx
class AveragePoolBackward : public Kernel {
 public:
  explicit AveragePoolBackward(const StepMeta& step)
      : pooling_(step, step.outputs.at(0), step.inputs.at(0)),
        include_padding_(step.attrs.flag("countIncludePad", false)) {
    step.expect_arity(1, 1, 1, 1);
  }

  void run(const Buffers& buffers) override {
    float* dx = buffers.out(0);
    pooling_.for_each_plane(
        [&](int64_t plane, int64_t size) { std::memset(dx + plane, 0, size * sizeof(float)); },
        [&](const Walk& walk, int64_t plane, int64_t pixel, int64_t oh, int64_t ow) {
          average_window_backward(buffers.in(0) + pixel, &walk,
                                  pooling_.factor(oh, ow, include_padding_), dx + plane);
        });
  }

 private:
  Pooling pooling_;
  bool include_padding_;
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

}  // namespace halfspace::cpu
