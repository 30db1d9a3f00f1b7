// Fully connected layers as matrix products: x [N,I], w [O,I], b [O], y [N,O], all row-major. A
// transposed factor is the same memory with its strides exchanged.
#include "dnnl_kernel.h"
#include "kernels.h"
#include "parallel.h"

namespace halfspace::cpu {
namespace {

using dnnl::memory;

// A matrix as it is multiplied: row-major memory, seen as [columns, rows] where it is transposed.
struct Factor {
  Operand operand;
  const TensorMeta& matrix;
  bool transposed = false;

  memory::desc describe(ElementType type) const {
    if (!transposed) return cpu::describe(matrix, type);
    return {{matrix.dim(1), matrix.dim(0)}, type, memory::dims{1, matrix.dim(1)}};
  }
};

void check_linear(const StepMeta& step, const TensorMeta& x, const TensorMeta& w,
                  const TensorMeta& y, const TensorMeta* b) {
  for (const TensorMeta* tensor : {&x, &w, &y}) {
    step.expect(tensor->rank() == 2 && tensor->dtype == DType::F32 && tensor->elements() > 0,
                "operands must be f32 matrices, got ", tensor->text());
  }
  step.expect(x.dim(1) == w.dim(1) && y.dim(0) == x.dim(0) && y.dim(1) == w.dim(0), x.text(), ", ",
              w.text(), " and ", y.text(), " do not fit");
  step.expect(!b || (b->dtype == DType::F32 && b->dims == Dims{w.dim(0)}),
              "the bias must be f32[", w.dim(0), "]");
}

Binding binding(int argument, const Factor& factor, ElementType type) {
  return {argument, factor.operand, factor.describe(ElementType::f32), factor.describe(type)};
}

// Output 0 = left right + bias
std::unique_ptr<Kernel> make_product(const StepMeta& step, ElementType type, const Factor& left,
                                     const Factor& right, const memory::desc& bias = {},
                                     const dnnl::primitive_attr& attr = primitive_attributes()) {
  const memory::desc result = describe(step.outputs[0]);
  auto desc = checked(step.describe(), [&] {
    return matmul(left.describe(type), right.describe(type), bias, result, attr);
  });
  std::vector<Binding> bindings = {binding(DNNL_ARG_SRC, left, type),
                                   binding(DNNL_ARG_WEIGHTS, right, type),
                                   {DNNL_ARG_DST, {true, 0}, result, result}};
  if (present(bias)) bindings.push_back({DNNL_ARG_BIAS, {false, 2}, bias, bias});
  return std::make_unique<DnnlKernel>(step.describe(), dnnl::matmul(desc), desc.scratchpad_desc(),
                                      bindings);
}

// dw = transpose(dy) x, and db = the column sums of dy
class LinearBackwardWeights final : public Kernel {
 public:
  LinearBackwardWeights(std::unique_ptr<Kernel> product, int64_t rows, int64_t columns)
      : product_(std::move(product)), rows_(rows), columns_(columns) {}

  size_t scratch_bytes() const override { return product_->scratch_bytes(); }

  void run(const Buffers& buffers) override {
    product_->run(buffers);
    sum_columns(buffers.in(1), buffers.out(1));
  }

 private:
  // A column is summed from top to bottom by one thread, so the order is fixed.
  void sum_columns(const float* dy, float* db) const {
    parallel_for(columns_, rows_ * columns_, [&](int64_t column) {
      double sum = 0;
      for (int64_t row = 0; row < rows_; ++row) sum += dy[row * columns_ + column];
      db[column] = static_cast<float>(sum);
    });
  }

  std::unique_ptr<Kernel> product_;
  int64_t rows_;
  int64_t columns_;
};

}  // namespace

// y = x transpose(w) + b
template <Precision kPrecision>
std::unique_ptr<Kernel> make_linear(const StepMeta& step) {
  step.expect_arity(2, 3, 1, 1);
  const TensorMeta& x = step.inputs[0];
  const TensorMeta& w = step.inputs[1];
  const TensorMeta* b = step.inputs.size() > 2 ? &step.inputs[2] : nullptr;
  check_linear(step, x, w, step.outputs[0], b);
  memory::desc bias = b ? plain({1, b->dim(0)}) : memory::desc();
  return make_product(step, factor_type(kPrecision), {{false, 0}, x}, {{false, 1}, w, true}, bias,
                      epilogue_attributes(step));
}

// dx = dy w
template <Precision kPrecision>
std::unique_ptr<Kernel> make_linear_backward_data(const StepMeta& step) {
  step.expect_arity(2, 2, 1, 1);
  const TensorMeta& dy = step.inputs[0];
  const TensorMeta& w = step.inputs[1];
  check_linear(step, step.outputs[0], w, dy, nullptr);
  return make_product(step, factor_type(kPrecision), {{false, 0}, dy}, {{false, 1}, w});
}

template <Precision kPrecision>
std::unique_ptr<Kernel> make_linear_backward_weights(const StepMeta& step) {
  step.expect_arity(2, 2, 1, 2);
  const TensorMeta& x = step.inputs[0];
  const TensorMeta& dy = step.inputs[1];
  const TensorMeta* b = step.outputs.size() > 1 ? &step.outputs[1] : nullptr;
  check_linear(step, x, step.outputs[0], dy, b);
  auto product =
      make_product(step, factor_type(kPrecision), {{false, 1}, dy, true}, {{false, 0}, x});
  if (!b) return product;
  return std::make_unique<LinearBackwardWeights>(std::move(product), dy.dim(0), dy.dim(1));
}

template std::unique_ptr<Kernel> make_linear<Precision::Fp32>(const StepMeta&);
template std::unique_ptr<Kernel> make_linear<Precision::Bf16>(const StepMeta&);
template std::unique_ptr<Kernel> make_linear_backward_data<Precision::Fp32>(const StepMeta&);
template std::unique_ptr<Kernel> make_linear_backward_data<Precision::Bf16>(const StepMeta&);
template std::unique_ptr<Kernel> make_linear_backward_weights<Precision::Fp32>(const StepMeta&);
template std::unique_ptr<Kernel> make_linear_backward_weights<Precision::Bf16>(const StepMeta&);

}  // namespace halfspace::cpu
