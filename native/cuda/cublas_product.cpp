#include "cublas_product.h"

#include <limits>

namespace halfspace::cuda {
namespace {

int as_int(int64_t value) {
  check(value <= std::numeric_limits<int>::max(), ErrorCode::Unsupported,
        "cuBLAS takes no matrices of ", value, " rows or columns");
  return static_cast<int>(value);
}

}  // namespace

void multiply(const Context& context, const Product& p, const float* a, const float* b, float* y) {
  const float one = 1, zero = 0;
  cublasOperation_t first = p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
  cublasOperation_t second = p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
  int row_a = as_int(p.transpose_a ? p.m : p.k), row_b = as_int(p.transpose_b ? p.k : p.n);
  int m = as_int(p.m), n = as_int(p.n), k = as_int(p.k);
  if (p.count == 1) {
    HALFSPACE_CUBLAS(cublasSgemm(context.cublas(), first, second, n, m, k, &one, b, row_b, a,
                                 row_a, &zero, y, n));
    return;
  }
  HALFSPACE_CUBLAS(cublasSgemmStridedBatched(context.cublas(), first, second, n, m, k, &one, b,
                                             row_b, p.step_b, a, row_a, p.step_a, &zero, y, n,
                                             p.m * p.n, as_int(p.count)));
}

}  // namespace halfspace::cuda
