// Teams of threads of a block, each of which works on one row: a warp where rows are short, the
// whole block where they are long. Results of a reduction reach every thread of the team, and all
// of its threads must take part.
#pragma once

#include "fold.cuh"

namespace halfspace::cuda {

// Longest row of a warp.
inline constexpr int64_t kWarpRow = 1024;

struct Plus {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Larger {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return b > a ? b : a;
  }
};
struct Smaller {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return b < a ? b : a;
  }
};

template <int kThreadsOfTeam>
struct Team {
  static constexpr int kSize = kThreadsOfTeam;
  static_assert(kSize == kWarp || kSize == kThreads);
  static constexpr int kTeams = kThreads / kSize;

  __device__ static int rank() { return static_cast<int>(threadIdx.x) % kSize; }
  __device__ static int64_t row() {
    return static_cast<int64_t>(blockIdx.x) * kTeams + threadIdx.x / kSize;
  }

  template <class T, class Combine>
  __device__ static T reduce(T value, Combine combine) {
#pragma unroll
    for (int bits = kWarp / 2; bits > 0; bits /= 2) {
      value = combine(value, __shfl_xor_sync(kWholeWarp, value, bits));
    }
    if constexpr (kSize == kThreads) value = reduce_warps(value, combine);
    return value;
  }

 private:
  template <class T, class Combine>
  __device__ static T reduce_warps(T value, Combine combine) {
    constexpr int kWarps = kThreads / kWarp;
    __shared__ T shared[kWarps];
    if (lane_of_warp() == 0) shared[threadIdx.x / kWarp] = value;
    __syncthreads();
    value = shared[0];
#pragma unroll
    for (int warp = 1; warp < kWarps; ++warp) value = combine(value, shared[warp]);
    __syncthreads();
    return value;
  }
};

// Where the largest of `count` values stands first.
template <class Team>
__device__ int first_largest(const float* values, int count) {
  float top = -INFINITY;
  for (int k = Team::rank(); k < count; k += Team::kSize) top = Larger{}(top, values[k]);
  top = Team::reduce(top, Larger{});
  int first = count;
  for (int k = Team::rank(); k < count; k += Team::kSize) {
    if (values[k] == top) first = min(first, k);
  }
  return Team::reduce(first, Smaller{});
}

// One team a row.
inline Grid teams_for(int64_t rows, int team) {
  return {dim3(block_count(ceil_div(rows, kThreads / team)))};
}

}  // namespace halfspace::cuda
