#include "kernels.h"

#include <algorithm>
#include <cstring>

#include "depthwise_rows.h"
#include "../parallel.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

Window window_of(const Depthwise& d) {
  const ConvolutionGeometry& g = d.geometry;
  return {.H = d.x.dim(2),
          .W = d.x.dim(3),
          .P = d.y.dim(2),
          .Q = d.y.dim(3),
          .kh = d.w.dim(2),
          .kw = d.w.dim(3),
          .stride_h = g.strides[0],
          .stride_w = g.strides[1],
          .dilation_h = g.dilations[0] + 1,
          .dilation_w = g.dilations[1] + 1,
          .top = g.padding_begin[0],
          .left = g.padding_begin[1]};
}

// The window through which dy makes dx where the stride is 1: the filter turned around.
Window turned(const Window& w) {
  return {.H = w.P,
          .W = w.Q,
          .P = w.H,
          .Q = w.W,
          .kh = w.kh,
          .kw = w.kw,
          .stride_h = 1,
          .stride_w = 1,
          .dilation_h = w.dilation_h,
          .dilation_w = w.dilation_w,
          .top = (w.kh - 1) * w.dilation_h - w.top,
          .left = (w.kw - 1) * w.dilation_w - w.left};
}

// Filters as the row loops want them, [blocks][taps][kBlock], from and to the plain [C][taps].
class Filters {
 public:
  Filters(int64_t channels, int64_t taps) : channels_(channels), taps_(taps) {}

  int64_t blocks() const { return ceil_div(channels_, kBlock); }
  // Floats of one block, and of all.
  int64_t block() const { return taps_ * kBlock; }
  int64_t size() const { return blocks() * block(); }

  // Channels that only fill the last block get zeros. `turn` reverses the order of the taps.
  void pack(const float* plain, float* packed, bool turn) const {
    std::fill_n(packed, size(), 0.0f);
    for (int64_t c = 0; c < channels_; ++c) {
      float* lane = packed + c / kBlock * block() + c % kBlock;
      for (int64_t tap = 0; tap < taps_; ++tap) {
        lane[tap * kBlock] = plain[c * taps_ + (turn ? taps_ - 1 - tap : tap)];
      }
    }
  }

 private:
  int64_t channels_;
  int64_t taps_;
};

// y = w * x + b
class Forward final : public Kernel {
 public:
  explicit Forward(const Depthwise& d)
      : window_(window_of(d)),
        filters_(d.w.dim(0), window_.taps()),
        biases_(d.w.dim(0), 1),
        planes_(d.x.dim(0) * filters_.blocks()),
        bias_(d.bias),
        relu_(d.relu) {}

  size_t scratch_bytes() const override {
    return (filters_.size() + biases_.size()) * sizeof(float);
  }

  void run(const Buffers& buffers) override {
    auto* packed = static_cast<float*>(buffers.scratch);
    float* bias = packed + filters_.size();
    filters_.pack(buffers.in(1), packed, false);
    if (bias_) {
      biases_.pack(buffers.in(2), bias, false);
    } else {
      std::fill_n(bias, biases_.size(), 0.0f);
    }
    const Window& s = window_;
    parallel_for(planes_ * s.P, planes_ * s.y_plane(), [&](int64_t index) {
      const int64_t plane = index / s.P;
      const int64_t block = plane % filters_.blocks();
      filter_row(s, buffers.in(0) + plane * s.x_plane(), packed + block * filters_.block(),
                 bias + block * kBlock, relu_, index % s.P, buffers.out(0) + index * s.Q * kBlock);
    });
  }

 private:
  Window window_;
  Filters filters_;
  Filters biases_;
  int64_t planes_;
  bool bias_;
  bool relu_;
};

// dx = transpose(w) * dy; where the stride is 1 that is a filter of its own.
class BackwardData final : public Kernel {
 public:
  explicit BackwardData(const Depthwise& d)
      : window_(window_of(d)),
        filters_(d.w.dim(0), window_.taps()),
        planes_(d.x.dim(0) * filters_.blocks()),
        dense_(window_.stride_h == 1 && window_.stride_w == 1) {}

  size_t scratch_bytes() const override { return filters_.size() * sizeof(float); }

  void run(const Buffers& buffers) override {
    auto* packed = static_cast<float*>(buffers.scratch);
    filters_.pack(buffers.in(1), packed, dense_);
    const Window& s = window_;
    const Window back = turned(s);
    const float none[kBlock] = {};
    parallel_for(planes_ * s.H, planes_ * s.x_plane(), [&](int64_t index) {
      const int64_t plane = index / s.H;
      const float* dy = buffers.in(0) + plane * s.y_plane();
      const float* w = packed + plane % filters_.blocks() * filters_.block();
      float* dx = buffers.out(0) + index * s.W * kBlock;
      if (dense_) {
        filter_row(back, dy, w, none, false, index % s.H, dx);
      } else {
        spread_row(s, dy, w, index % s.H, dx);
      }
    });
  }

 private:
  Window window_;
  Filters filters_;
  int64_t planes_;
  bool dense_;
};

// dw = dy * x and db = sum of dy. The batch is cut into a fixed number of parts that add up for
// themselves, then the parts are added in order, in double.
class BackwardWeights final : public Kernel {
 public:
  explicit BackwardWeights(const Depthwise& d)
      : window_(window_of(d)),
        filters_(d.w.dim(0), window_.taps() + 1),
        batch_(d.x.dim(0)),
        channels_(d.w.dim(0)),
        parts_(std::min<int64_t>(batch_, kParts)),
        bias_(d.bias) {}

  size_t scratch_bytes() const override { return parts_ * filters_.size() * sizeof(float); }

  void run(const Buffers& buffers) override {
    auto* partial = static_cast<float*>(buffers.scratch);
    parallel_for(parts_ * filters_.blocks(), batch_ * window_.x_plane(), [&](int64_t index) {
      const int64_t part = index / filters_.blocks();
      sum_part(buffers, part, index % filters_.blocks(), partial + index * filters_.block());
    });
    parallel_for(channels_, parts_ * filters_.size(), [&](int64_t channel) {
      for (int64_t tap = 0; tap < window_.taps(); ++tap) {
        buffers.out(0)[channel * window_.taps() + tap] = total(partial, channel, tap);
      }
      if (bias_) buffers.out(1)[channel] = total(partial, channel, window_.taps());
    });
  }

 private:
  static constexpr int64_t kParts = 16;

  // `sum` holds one row of kBlock a tap, and one more for the bias.
  void sum_part(const Buffers& buffers, int64_t part, int64_t block, float* sum) const {
    const Window& s = window_;
    std::fill_n(sum, filters_.block(), 0.0f);
    for (int64_t n = part * batch_ / parts_; n < (part + 1) * batch_ / parts_; ++n) {
      const int64_t plane = n * filters_.blocks() + block;
      const float* x = buffers.in(0) + plane * s.x_plane();
      const float* dy = buffers.in(1) + plane * s.y_plane();
      for (int64_t p = 0; p < s.P; ++p) correlate_row(s, x, dy + p * s.Q * kBlock, p, sum);
      if (bias_) sum_pixels(dy, s.P * s.Q, sum + s.taps() * kBlock);
    }
  }

  float total(const float* partial, int64_t channel, int64_t tap) const {
    double sum = 0;
    for (int64_t part = 0; part < parts_; ++part) {
      const float* block = partial + part * filters_.size() + channel / kBlock * filters_.block();
      sum += block[tap * kBlock + channel % kBlock];
    }
    return static_cast<float>(sum);
  }

  Window window_;
  Filters filters_;
  int64_t batch_;
  int64_t channels_;
  int64_t parts_;
  bool bias_;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise(const Depthwise& shape) {
  return std::make_unique<Forward>(shape);
}

std::unique_ptr<Kernel> make_depthwise_backward_data(const Depthwise& shape) {
  return std::make_unique<BackwardData>(shape);
}

std::unique_ptr<Kernel> make_depthwise_backward_weights(const Depthwise& shape) {
  return std::make_unique<BackwardWeights>(shape);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
