// The mean over all pixels of a channel, [N,C,H,W] -> [N,C,1,1], NHWC; and its gradient.
#include "column_sums.cuh"
#include "kernels.h"
#include "operands.h"
#include "scale.cuh"

namespace halfspace::cuda {
namespace {

void expect_global(const StepMeta& step, const TensorMeta& x, const TensorMeta& y) {
  step.expect_arity(1, 1, 1, 1);
  expect_image(step, x);
  expect_image(step, y);
  step.expect(y.dim(0) == x.dim(0) && y.dim(1) == x.dim(1) && y.dim(2) == 1 && y.dim(3) == 1,
              "expected one value a channel, got ", y.text(), " for ", x.text());
}

int64_t pixels_of(const TensorMeta& x) { return x.dim(2) * x.dim(3); }

template <class T>
struct FinishMean {
  T* y;  // [N, C]
  int64_t channels, pixels;

  __device__ void operator()(int64_t n, int64_t channel, const double (&sums)[1]) const {
    const double mean = sums[0] / static_cast<double>(pixels);
    y[n * channels + channel] = to_element<T>(static_cast<float>(mean));
  }
};

class GlobalAveragePool final : public CudaKernel {
 public:
  explicit GlobalAveragePool(const StepMeta& step)
      : cut_(cut_of(step, step.inputs.at(0), step.outputs.at(0))), type_(step.inputs[0].dtype) {}

  size_t scratch_bytes() const override { return cut_.scratch_bytes(1); }

  void run(const Buffers& buffers) override {
    with_element(type_, [&]<class T>(ElementType<T>) {
      sum_columns<1>(context_, cut_, ElementTerm<T>{buffers.in<T>(0), cut_.rows, cut_.columns},
                     FinishMean<T>{buffers.out<T>(0), cut_.columns, cut_.rows}, buffers.scratch);
    });
  }

 private:
  static ColumnCut cut_of(const StepMeta& step, const TensorMeta& x, const TensorMeta& y) {
    expect_global(step, x, y);
    return {x.dim(0), pixels_of(x), x.dim(1)};
  }

  ColumnCut cut_;
  DType type_;
};

// dx = dy / pixels, repeated
class GlobalAveragePoolBackward final : public CudaKernel {
 public:
  explicit GlobalAveragePoolBackward(const StepMeta& step)
      : map_(step, walk_of(step, step.outputs.at(0), step.inputs.at(0))),
        share_(1.0f / static_cast<float>(pixels_of(step.outputs[0]))) {}

  void run(const Buffers& buffers) override { map_.run(context_, {share_}, buffers); }

 private:
  static Walk<2> walk_of(const StepMeta& step, const TensorMeta& x, const TensorMeta& y) {
    expect_global(step, x, y);
    const Dims dims = stored_dims(x);
    return {dims, {broadcast_strides(stored_dims(y), dims), dense_strides(dims)}};
  }

  ScaleMap map_;
  float share_;
};

}  // namespace

std::unique_ptr<Kernel> make_global_average_pool(const StepMeta& step) {
  return std::make_unique<GlobalAveragePool>(step);
}

std::unique_ptr<Kernel> make_global_average_pool_backward(const StepMeta& step) {
  return std::make_unique<GlobalAveragePoolBackward>(step);
}

}  // namespace halfspace::cuda
