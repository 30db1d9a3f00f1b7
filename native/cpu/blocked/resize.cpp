// Nearest and linear resizing of the rows and columns of a blocked image, and the gradient, by the
// tables of semantics/interpolation.h.
#include "../../semantics/interpolation.h"
#include "../../simd.h"
#include "block.h"
#include "kernels.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// One row of y from two rows of x.
HALFSPACE_SIMD void mix_row(const float* low, const float* high, float weight, const Mix* columns,
                            int64_t width, float* y) {
  for (int64_t w = 0; w < width; ++w) {
    const int64_t left = columns[w].low * kBlock, right = columns[w].high * kBlock;
    const float across = columns[w].weight;
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) {
      const float above = low[left + c] + across * (low[right + c] - low[left + c]);
      const float below = high[left + c] + across * (high[right + c] - high[left + c]);
      y[w * kBlock + c] = above + weight * (below - above);
    }
  }
}

HALFSPACE_SIMD void pick_row(const float* x, const Mix* columns, int64_t width, float* y) {
  for (int64_t w = 0; w < width; ++w) {
    const float* from = x + columns[w].low * kBlock;
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) y[w * kBlock + c] = from[c];
  }
}

// Adds one row of dy to a row of dx, scaled.
HALFSPACE_SIMD void spread_row(const float* dy, float weight, const Mix* columns, int64_t width,
                               float* dx) {
  for (int64_t w = 0; w < width; ++w) {
    float* left = dx + columns[w].low * kBlock;
    float* right = dx + columns[w].high * kBlock;
    const float across = columns[w].weight;
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) left[c] += weight * (1.0f - across) * dy[w * kBlock + c];
    if (across == 0.0f) continue;
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) right[c] += weight * across * dy[w * kBlock + c];
  }
}

// The tables of one resizing between images x and y.
struct Resizing {
  Image x, y;
  std::vector<Mix> rows, columns;
  bool nearest;

  Resizing(const StepMeta& step, const TensorMeta& small, const TensorMeta& large)
      : x(small), y(large), nearest(step.attrs.text("mode") == "nearest") {
    step.expect_arity(1, 1, 1, 1);
    expect_blocked(step, small);
    expect_blocked(step, large);
    step.expect(x.batch == y.batch && x.channels == y.channels,
                "resizing keeps batch and channels: ", small.text(), " and ", large.text());
    rows = mixes_of(step, x.height, y.height);
    columns = mixes_of(step, x.width, y.width);
  }
};

// x -> y
class Resize : public Kernel {
 public:
  explicit Resize(const StepMeta& step) : r_(step, step.inputs.at(0), step.outputs.at(0)) {}

  void run(const Buffers& buffers) override {
    parallel_for(r_.y.planes() * r_.y.height, r_.y.stored(), [&](int64_t row) {
      const Mix& mix = r_.rows[row % r_.y.height];
      const float* x = buffers.in(0) + row / r_.y.height * r_.x.plane();
      float* y = buffers.out(0) + row * r_.y.row();
      const float* low = x + mix.low * r_.x.row();
      if (r_.nearest)
        pick_row(low, r_.columns.data(), r_.y.width, y);
      else
        mix_row(low, x + mix.high * r_.x.row(), mix.weight, r_.columns.data(), r_.y.width, y);
    });
  }

 private:
  Resizing r_;
};

// dy -> dx; a plane belongs to one thread, which adds its rows in order.
class ResizeBackward : public Kernel {
 public:
  explicit ResizeBackward(const StepMeta& step) : r_(step, step.outputs.at(0), step.inputs.at(0)) {}

  void run(const Buffers& buffers) override {
    parallel_for(r_.y.planes(), r_.y.stored(), [&](int64_t plane) {
      float* dx = buffers.out(0) + plane * r_.x.plane();
      std::memset(dx, 0, r_.x.plane() * sizeof(float));
      const float* dy = buffers.in(0) + plane * r_.y.plane();
      for (int64_t h = 0; h < r_.y.height; ++h) spread(dy + h * r_.y.row(), r_.rows[h], dx);
    });
  }

 private:
  void spread(const float* dy, const Mix& mix, float* dx) const {
    const Mix* columns = r_.columns.data();
    spread_row(dy, 1.0f - mix.weight, columns, r_.y.width, dx + mix.low * r_.x.row());
    if (mix.weight == 0.0f) return;
    spread_row(dy, mix.weight, columns, r_.y.width, dx + mix.high * r_.x.row());
  }

  Resizing r_;
};

}  // namespace

std::unique_ptr<Kernel> make_resize(const StepMeta& step) { return std::make_unique<Resize>(step); }

std::unique_ptr<Kernel> make_resize_backward(const StepMeta& step) {
  return std::make_unique<ResizeBackward>(step);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
