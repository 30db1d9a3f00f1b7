// How a thread of a grid-stride launch finds its work, and floats that travel several at a time.
#pragma once

#include <cstdint>

#include "context.h"

namespace halfspace::cuda {

// Items of this thread are first_item(), first_item() + item_step(), ...
__device__ inline int64_t first_item() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline int64_t item_step() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }

// Floats of one load or store, where memory allows.
inline constexpr int kWide = 4;

template <int kWidth>
struct alignas(kWidth * sizeof(float)) Vector {
  float at[kWidth];
};

template <int kWidth>
__device__ inline Vector<kWidth> load(const float* from) {
  return *reinterpret_cast<const Vector<kWidth>*>(from);
}
template <int kWidth>
__device__ inline void store(float* to, const Vector<kWidth>& value) {
  *reinterpret_cast<Vector<kWidth>*>(to) = value;
}

inline bool is_wide(const void* address) {
  return reinterpret_cast<uintptr_t>(address) % sizeof(Vector<kWide>) == 0;
}

// What an element-wise kernel reads and writes.
template <int kInputs>
struct Operands {
  const float* in[kInputs];
  float* out;

  bool is_wide() const {
    bool wide = cuda::is_wide(out);
    for (const float* input : in) wide = wide && cuda::is_wide(input);
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
template <int kInputs>
Operands<kInputs> operands_of(const Buffers& buffers) {
  Operands<kInputs> operands{};
  for (int k = 0; k < kInputs; ++k) operands.in[k] = buffers.in(k);
  operands.out = buffers.out(0);
  return operands;
}

}  // namespace halfspace::cuda
