#include "cublas_product.h"

#include <limits>

namespace halfspace::cuda {
namespace {

int as_int(int64_t value) {
  check(value <= std::numeric_limits<int>::max(), ErrorCode::Unsupported,
        "cuBLAS takes no matrices of ", value, " rows or columns");
  return static_cast<int>(value);
}

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

}  // namespace

void multiply(const Context& context, const Product& p, const float* a, const float* b, float* y) {
  const float one = 1, zero = 0;
  cublasOperation_t first = p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
  cublasOperation_t second = p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
  int row_a = as_int(p.transpose_a ? p.m : p.k), row_b = as_int(p.transpose_b ? p.k : p.n);
  int m = as_int(p.m), n = as_int(p.n), k = as_int(p.k);
  constexpr cudaDataType kFloat = CUDA_R_32F;
  HALFSPACE_CUBLAS(cublasGemmStridedBatchedEx(
      context.cublas(), first, second, n, m, k, &one, b, kFloat, row_b, p.step_b, a, kFloat, row_a,
      p.step_a, &zero, y, kFloat, n, p.m * p.n, as_int(p.count),
      compute_type(context.precision()), CUBLAS_GEMM_DEFAULT));
}

}  // namespace halfspace::cuda
