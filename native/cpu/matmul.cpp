// Products of stacks of matrices: y [B,M,N] = a [B,M,K] b [B,K,N], where b may be one matrix for
// all of the stack. A transposed operand is the same memory with its strides exchanged.
#include "dnnl_kernel.h"
#include "kernels.h"

namespace halfspace::cpu {
namespace {

using dnnl::memory;

// The last two axes of a tensor, and how many such matrices it holds.
struct Stack {
  int64_t count = 1, rows = 0, columns = 0;
  bool transposed = false;

  Stack(const StepMeta& step, const TensorMeta& meta, bool transposed) : transposed(transposed) {
    step.expect(
        meta.dtype == DType::F32 && meta.rank() >= 2 && !meta.is_blocked() && meta.elements() > 0,
        "expected f32 matrices, got ", meta.text());
    rows = meta.dims[meta.rank() - 2];
    columns = meta.dims[meta.rank() - 1];
    if (transposed) std::swap(rows, columns);
    count = meta.elements() / (rows * columns);
  }

  // A stack of plain matrices is one matrix with all their rows.
  void flatten() {
    rows *= count;
    count = 1;
  }

  memory::desc describe(ElementType type = ElementType::f32) const {
    const memory::dims dims{count, rows, columns};
    const memory::dims strides = transposed ? memory::dims{rows * columns, 1, rows}
                                            : memory::dims{rows * columns, columns, 1};
    return {dims, type, strides};
  }
};

}  // namespace

template <Precision kPrecision>
std::unique_ptr<Kernel> make_matmul(const StepMeta& step) {
  step.expect_arity(2, 2, 1, 1);
  Stack a(step, step.inputs[0], step.attrs.flag("transposeA", false));
  Stack b(step, step.inputs[1], step.attrs.flag("transposeB", false));
  Stack y(step, step.outputs[0], false);
  step.expect(a.columns == b.rows && y.rows == a.rows && y.columns == b.columns &&
                  y.count == a.count && (b.count == a.count || b.count == 1),
              step.inputs[0].text(), ", ", step.inputs[1].text(), " and ", step.outputs[0].text(),
              " do not fit");
  if (b.count == 1 && !a.transposed) {
    a.flatten();
    y.flatten();
  }
  constexpr ElementType kType = factor_type(kPrecision);
  const memory::desc left = a.describe(kType), right = b.describe(kType), result = y.describe();
  auto desc = checked(step.describe(), [&] {
    return matmul(left, right, memory::desc(), result, primitive_attributes());
  });
  const std::vector<Binding> bindings = {{DNNL_ARG_SRC, {false, 0}, a.describe(), left},
                                         {DNNL_ARG_WEIGHTS, {false, 1}, b.describe(), right},
                                         {DNNL_ARG_DST, {true, 0}, result, result}};
  return std::make_unique<DnnlKernel>(step.describe(), dnnl::matmul(desc), desc.scratchpad_desc(),
                                      bindings);
}

template std::unique_ptr<Kernel> make_matmul<Precision::Fp32>(const StepMeta&);
template std::unique_ptr<Kernel> make_matmul<Precision::Bf16>(const StepMeta&);

}  // namespace halfspace::cpu
