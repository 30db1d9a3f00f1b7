#include "cublas_product.h"

#include "as_int.h"

namespace halfspace::cuda {
namespace {

// What operands in floats are rounded to before they are multiplied; sums are in fp32.
cublasComputeType_t compute_type(Precision precision) {
  switch (precision) {
    case Precision::Fp32:
      return CUBLAS_COMPUTE_32F_PEDANTIC;
    case Precision::Tf32:
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    case Precision::Bf16:
      return CUBLAS_COMPUTE_32F_FAST_16BF;
  }
  fail(ErrorCode::Internal, "internal: an unknown precision");
}

// As its documentation recommends.
size_t recommended_workspace(const Context& context) {
  constexpr int kHopper = 9;
  constexpr size_t kMebibyte = size_t{1} << 20;
  return (context.generation() < kHopper ? 4 : 32) * kMebibyte;
}

}  // namespace

ProductKernel::ProductKernel(const Product& product)
    : product_(product), workspace_bytes_(recommended_workspace(context_)) {
  scratch_.reserve(workspace_bytes_);
}

void ProductKernel::multiply(const Buffers& buffers, const float* a, const float* b) const {
  const Product& p = product_;
  const float one = 1, zero = 0;
  cublasOperation_t first = p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
  cublasOperation_t second = p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
  int row_a = as_int(p.transpose_a ? p.m : p.k), row_b = as_int(p.transpose_b ? p.k : p.n);
  int m = as_int(p.m), n = as_int(p.n), k = as_int(p.k);
  constexpr cudaDataType kFloat = CUDA_R_32F;
  HALFSPACE_CUBLAS(cublasSetWorkspace(context_.cublas(), buffers.scratch, workspace_bytes_));
  HALFSPACE_CUBLAS(cublasGemmStridedBatchedEx(
      context_.cublas(), first, second, n, m, k, &one, b, kFloat, row_b, p.step_b, a, kFloat,
      row_a, p.step_a, &zero, buffers.out(0), kFloat, n, p.m * p.n, as_int(p.count),
      compute_type(context_.precision()), CUBLAS_GEMM_DEFAULT));
}

}  // namespace halfspace::cuda
