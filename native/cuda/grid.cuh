// How a thread of a grid-stride launch finds its work, and what element-wise kernels work on.
#pragma once

#include "context.h"
#include "element.cuh"

namespace halfspace::cuda {

// Items of this thread are first_item(), first_item() + item_step(), ...
__device__ inline int64_t first_item() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline int64_t item_step() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }

// What an element-wise kernel reads and writes, all of one element type.
template <int kInputs, class T = float>
struct Operands {
  const T* in[kInputs];
  T* out;

  bool is_wide() const {
    bool wide = cuda::is_wide(out);
    for (const T* input : in) wide = wide && cuda::is_wide(input);
    return wide;
  }
};

// The function of what stands in one lane of every input.
template <int kInputs, int kWidth, class Function>
__device__ inline Vector<kWidth> lanewise(const Function& f, const Vector<kWidth> (&x)[kInputs]) {
  Vector<kWidth> y;
#pragma unroll
  for (int lane = 0; lane < kWidth; ++lane) {
    float each[kInputs];
#pragma unroll
    for (int k = 0; k < kInputs; ++k) each[k] = x[k].at[lane];
    y.at[lane] = f(each);
  }
  return y;
}

// First inputs and outputs of a step's buffers.
template <int kInputs, class T = float>
Operands<kInputs, T> operands_of(const Buffers& buffers) {
  Operands<kInputs, T> operands{};
  for (int k = 0; k < kInputs; ++k) operands.in[k] = buffers.in<T>(k);
  operands.out = buffers.out<T>(0);
  return operands;
}

}  // namespace halfspace::cuda
