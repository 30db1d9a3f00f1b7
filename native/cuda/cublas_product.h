// Products of row-major matrices, alone or in stacks, by cuBLAS, whose matrices are column-major: the
// same memory is the transposed matrix to it, so it multiplies in the other order.
#pragma once

#include "context.h"
#include "scratch.h"

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

// The product of its two inputs, or whatever a derived kernel makes of products.
class ProductKernel : public CudaKernel {
 public:
  explicit ProductKernel(const Product& product);

  size_t scratch_bytes() const override { return scratch_.bytes(); }
  void run(const Buffers& buffers) override { multiply(buffers, buffers.in(0), buffers.in(1)); }

 protected:
  // The first output from a and b.
  void multiply(const Buffers& buffers, const float* a, const float* b) const;

  Product product_;
  // Begins with memory for cuBLAS, whose own may not be used in a capture.
  Scratch scratch_;

 private:
  size_t workspace_bytes_;
};

}  // namespace halfspace::cuda
