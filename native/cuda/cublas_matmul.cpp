// Products of stacks of matrices: y [B,M,N] = a [B,M,K] b [B,K,N], where b may be one matrix for all of
// the stack. A transposed operand is stored with its last two axes exchanged.
#include "cublas_product.h"
#include "kernels.h"

namespace halfspace::cuda {
namespace {

// The last two axes of a tensor as the product sees them, and how many such matrices it holds.
struct Stack {
  int64_t count, rows, columns;

  Stack(const StepMeta& step, const TensorMeta& meta, bool transposed) {
    step.expect(
        meta.dtype == DType::F32 && meta.rank() >= 2 && !meta.is_blocked() && meta.elements() > 0,
        "expected f32 matrices, got ", meta.text());
    rows = meta.dims[meta.rank() - 2];
    columns = meta.dims[meta.rank() - 1];
    if (transposed) std::swap(rows, columns);
    count = meta.elements() / (rows * columns);
  }
};

}  // namespace

std::unique_ptr<Kernel> make_matmul(const StepMeta& step) {
  step.expect_arity(2, 2, 1, 1);
  const bool transpose_a = step.attrs.flag("transposeA", false);
  const bool transpose_b = step.attrs.flag("transposeB", false);
  Stack a(step, step.inputs[0], transpose_a);
  Stack b(step, step.inputs[1], transpose_b);
  Stack y(step, step.outputs[0], false);
  step.expect(a.columns == b.rows && y.rows == a.rows && y.columns == b.columns &&
                  y.count == a.count && (b.count == a.count || b.count == 1),
              step.inputs[0].text(), ", ", step.inputs[1].text(), " and ", step.outputs[0].text(),
              " do not fit");
  Product product{a.rows, b.columns, a.columns, transpose_a, transpose_b};
  // A stack of plain matrices times one matrix is one matrix with all their rows.
  if (b.count == 1 && !transpose_a) {
    product.m *= a.count;
    return std::make_unique<ProductKernel>(product);
  }
  product.count = a.count;
  product.step_a = a.rows * a.columns;
  product.step_b = b.count == 1 ? 0 : b.rows * b.columns;
  return std::make_unique<ProductKernel>(product);
}

}  // namespace halfspace::cuda
