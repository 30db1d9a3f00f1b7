// Sums over the threads of a warp or block, always in the same order.
#pragma once

#include "context.h"

namespace halfspace::cuda {

inline constexpr int kWarp = 32;
inline constexpr unsigned kWholeWarp = 0xffffffffu;

__device__ inline int lane_of_warp() { return static_cast<int>(threadIdx.x) % kWarp; }

// The sum over the warp, in every lane. All lanes must come here.
__device__ inline double sum_of_warp(double value) {
#pragma unroll
  for (int bits = kWarp / 2; bits > 0; bits /= 2) {
    value += __shfl_xor_sync(kWholeWarp, value, bits);
  }
  return value;
}

// Threads `lanes` apart hold parts of one sum; lanes is a power of two. The totals stand in the
// first `lanes` threads. All kThreads threads of the block must come here.
template <int kSums>
__device__ inline void fold_block(double (&sums)[kSums], int lanes) {
  __shared__ double shared[kSums][kThreads];
  const int thread = static_cast<int>(threadIdx.x);
#pragma unroll
  for (int k = 0; k < kSums; ++k) shared[k][thread] = sums[k];
  for (int half = kThreads / 2; half >= lanes; half /= 2) {
    __syncthreads();
    if (thread >= half) continue;
#pragma unroll
    for (int k = 0; k < kSums; ++k) shared[k][thread] += shared[k][thread + half];
  }
#pragma unroll
  for (int k = 0; k < kSums; ++k) sums[k] = shared[k][thread];
}

}  // namespace halfspace::cuda
