// Products of row-major matrices, alone or in stacks, by cuBLAS, whose matrices are column-major: the
// same memory is the transposed matrix to it, so it multiplies in the other order.
#pragma once

#include "context.h"

namespace halfspace::cuda {

// y [m,n] = a [m,k] b [k,n]; a transposed operand lies in memory as [k,m] or [n,k].
struct Product {
  int64_t m, n, k;
  bool transpose_a = false;
  bool transpose_b = false;
  // Products in a stack, and the floats between neighbours of each operand.
  int64_t count = 1;
  int64_t step_a = 0;
  int64_t step_b = 0;
};

void multiply(const Context& context, const Product& product, const float* a, const float* b,
              float* y);

}  // namespace halfspace::cuda
