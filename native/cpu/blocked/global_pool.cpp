// The mean over all pixels of a channel, [N,C,H,W] -> [N,C,1,1], blocked; and its gradient.
#include "../../simd.h"
#include "block.h"
#include "kernels.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

HALFSPACE_SIMD void mean_of_plane(const float* x, int64_t pixels, float* y) {
  double sum[kBlock] = {};
  for (int64_t p = 0; p < pixels; ++p) {
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) sum[c] += x[p * kBlock + c];
  }
  for (int64_t c = 0; c < kBlock; ++c) y[c] = static_cast<float>(sum[c] / pixels);
}

HALFSPACE_SIMD void spread_over_plane(const float* dy, int64_t pixels, float* dx) {
  float share[kBlock];
  for (int64_t c = 0; c < kBlock; ++c) share[c] = dy[c] / pixels;
  for (int64_t p = 0; p < pixels; ++p) {
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) dx[p * kBlock + c] = share[c];
  }
}

void expect_global(const StepMeta& step, const TensorMeta& x, const TensorMeta& y) {
  step.expect_arity(1, 1, 1, 1);
  expect_blocked(step, x);
  expect_blocked(step, y);
  step.expect(y.dim(0) == x.dim(0) && y.dim(1) == x.dim(1) && y.dim(2) == 1 && y.dim(3) == 1,
              "expected one value a channel, got ", y.text(), " for ", x.text());
}

class GlobalAveragePool : public Kernel {
 public:
  explicit GlobalAveragePool(const StepMeta& step) : x_(step.inputs.at(0)) {
    expect_global(step, step.inputs[0], step.outputs.at(0));
  }

  void run(const Buffers& buffers) override {
    parallel_for(x_.planes(), x_.stored(), [&](int64_t plane) {
      mean_of_plane(buffers.in(0) + plane * x_.plane(), x_.pixels(),
                    buffers.out(0) + plane * kBlock);
    });
  }

 private:
  Image x_;
};

class GlobalAveragePoolBackward : public Kernel {
 public:
  explicit GlobalAveragePoolBackward(const StepMeta& step) : x_(step.outputs.at(0)) {
    expect_global(step, step.outputs[0], step.inputs.at(0));
  }

  void run(const Buffers& buffers) override {
    parallel_for(x_.planes(), x_.stored(), [&](int64_t plane) {
      spread_over_plane(buffers.in(0) + plane * kBlock, x_.pixels(),
                        buffers.out(0) + plane * x_.plane());
    });
  }

 private:
  Image x_;
};

}  // namespace

std::unique_ptr<Kernel> make_global_average_pool(const StepMeta& step) {
  return std::make_unique<GlobalAveragePool>(step);
}

std::unique_ptr<Kernel> make_global_average_pool_backward(const StepMeta& step) {
  return std::make_unique<GlobalAveragePoolBackward>(step);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
