// Fully connected layers through cuBLAS: x [N,I], w [O,I], b [O], y [N,O], all row-major.
#include "building_blocks.h"
#include "cublas_product.h"
#include "kernels.h"
#include "operands.h"

namespace halfspace::cuda {
namespace {

void check_linear(const StepMeta& step, const TensorMeta& x, const TensorMeta& w,
                  const TensorMeta& y, const TensorMeta* b) {
  for (const TensorMeta* tensor : {&x, &w, &y}) {
    step.expect(tensor->rank() == 2 && tensor->dtype == DType::F32 && tensor->elements() > 0,
                "operands must be f32 matrices, got ", tensor->text());
  }
  step.expect(x.dim(1) == w.dim(1) && y.dim(0) == x.dim(0) && y.dim(1) == w.dim(0), x.text(), ", ",
              w.text(), " and ", y.text(), " do not fit");
  if (b) expect_floats(step, *b, w.dim(0));
}

// y = x transpose(w) + b
class Linear final : public ProductKernel {
 public:
  explicit Linear(const StepMeta& step)
      : ProductKernel({step.inputs[0].dim(0), step.inputs[1].dim(0), step.inputs[0].dim(1)}),
        biased_(step.inputs.size() > 2),
        epilogue_(has_relu(step) ? Epilogue::Relu : Epilogue::None) {
    product_.transpose_b = true;
  }

  void run(const Buffers& buffers) override {
    multiply(buffers, buffers.in(0), buffers.in(1));
    if (!biased_ && epilogue_ == Epilogue::None) return;
    add_bias(context_, biased_ ? buffers.in(2) : nullptr, buffers.out(0), DType::F32,
             product_.m, product_.n, epilogue_);
  }

 private:
  bool biased_;
  Epilogue epilogue_;
};

// dw = transpose(dy) x, db = the column sums of dy
class LinearBackwardWeights final : public ProductKernel {
 public:
  explicit LinearBackwardWeights(const StepMeta& step)
      : ProductKernel({step.inputs[1].dim(1), step.inputs[0].dim(1), step.inputs[0].dim(0)}),
        biased_(step.outputs.size() > 1) {
    product_.transpose_a = true;
    if (biased_) sums_at_ = scratch_.reserve(sum_columns_scratch(product_.k, product_.m));
  }

  void run(const Buffers& buffers) override {
    multiply(buffers, buffers.in(1), buffers.in(0));
    if (!biased_) return;
    sum_columns(context_, buffers.in(1), DType::F32, buffers.out(1), product_.k, product_.m,
                piece(buffers, sums_at_));
  }

 private:
  bool biased_;
  size_t sums_at_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_linear(const StepMeta& step) {
  step.expect_arity(2, 3, 1, 1);
  const TensorMeta* b = step.inputs.size() > 2 ? &step.inputs[2] : nullptr;
  check_linear(step, step.inputs[0], step.inputs[1], step.outputs[0], b);
  return std::make_unique<Linear>(step);
}

std::unique_ptr<Kernel> make_linear_backward_data(const StepMeta& step) {
  step.expect_arity(2, 2, 1, 1);
  check_linear(step, step.outputs[0], step.inputs[1], step.inputs[0], nullptr);
  // dx = dy w
  return std::make_unique<ProductKernel>(
      Product{step.inputs[0].dim(0), step.inputs[1].dim(1), step.inputs[0].dim(1)});
}

std::unique_ptr<Kernel> make_linear_backward_weights(const StepMeta& step) {
  step.expect_arity(2, 2, 1, 2);
  const TensorMeta* b = step.outputs.size() > 1 ? &step.outputs[1] : nullptr;
  check_linear(step, step.inputs[0], step.outputs[0], step.inputs[1], b);
  return std::make_unique<LinearBackwardWeights>(step);
}

}  // namespace halfspace::cuda
