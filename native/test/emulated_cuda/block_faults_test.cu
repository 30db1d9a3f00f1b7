// Plants one mistake of each kind in how the threads of a block meet and share memory, and expects it to
// be named; and holds shuffles and votes against what CUDA's guide says of them.
#include "faults.h"

namespace halfspace::test {
namespace {

constexpr unsigned kThreads = 64;
constexpr unsigned kAll = 0xffffffffu;

__global__ void leave_before_barrier(float* out) {
  if (threadIdx.x == 5) return;
  __syncthreads();
  out[threadIdx.x] = 1;
}

__global__ void part_ways(float* out) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = 1;
}

template <bool kBarrier>
__global__ void reverse(float* values) {
  __shared__ float tile[kThreads];
  tile[threadIdx.x] = values[threadIdx.x];
  if constexpr (kBarrier) __syncthreads();
  values[threadIdx.x] = tile[kThreads - 1 - threadIdx.x];
}

template <bool kBarrier>
__global__ void rotate_in_warp(float* values) {
  __shared__ float tile[kThreads];
  tile[threadIdx.x] = values[threadIdx.x];
  if constexpr (kBarrier) __syncwarp();
  values[threadIdx.x] = tile[threadIdx.x / 32 * 32 + (threadIdx.x + 1) % 32];
}

// A lane reads what another wrote and, after a barrier, writes again what it has read itself.
template <bool kBarrier>
__global__ void go_round_in_warp(float* values) {
  __shared__ float tile[kThreads];
  const unsigned next = threadIdx.x / 32 * 32 + (threadIdx.x + 1) % 32;
  tile[threadIdx.x] = values[threadIdx.x];
  for (int round = 0; round < 3; ++round) {
    __syncwarp();
    const float other = tile[next];
    if constexpr (kBarrier) __syncwarp();
    tile[threadIdx.x] = tile[threadIdx.x] + other;
  }
  values[threadIdx.x] = tile[threadIdx.x];
}

// The first loop's reads and the second loop's writes need a barrier between them.
template <bool kBarrier>
__global__ void use_tile_twice(float* out) {
  __shared__ float tile[kThreads];
  for (int round = 0; round < 2; ++round) {
    tile[threadIdx.x] = static_cast<float>(round);
    __syncthreads();
    out[threadIdx.x] = tile[(threadIdx.x + 32) % kThreads];
    if constexpr (kBarrier) __syncthreads();
  }
}

__global__ void read_tile_of_last_block(float* out) {
  __shared__ float tile[kThreads];
  if (blockIdx.x == 0) tile[threadIdx.x] = 1;
  __syncthreads();
  out[blockIdx.x * kThreads + threadIdx.x] = tile[threadIdx.x];
}

// Two arrays, of which the first is meant.
template <bool kWrite>
__global__ void touch_shared_array(float* out, int index) {
  __shared__ float first[kThreads];
  __shared__ float second[kThreads];
  first[threadIdx.x] = second[threadIdx.x] = 1;
  __syncthreads();
  if (threadIdx.x > 0) return;
  if constexpr (kWrite) first[index] = 2;
  out[0] = first[kWrite ? 0 : index] + second[0];
}

__global__ void shuffle_without_last_lane(float* out) {
  if (threadIdx.x == 31) return;
  out[threadIdx.x] = __shfl_xor_sync(kAll, 1.0f, 1);
}

__global__ void shuffle_from_outside_the_mask(float* out) {
  if (threadIdx.x >= 16) return;
  out[threadIdx.x] = __shfl_down_sync(0xffffu, 1.0f, 1);
}

__global__ void shuffles(float* down, float* up, float* exchanged, float* first, float* halves) {
  unsigned i = threadIdx.x;
  float value = static_cast<float>(i);
  down[i] = __shfl_down_sync(kAll, value, 3);
  up[i] = __shfl_up_sync(kAll, value, 3);
  exchanged[i] = __shfl_xor_sync(kAll, value, 5);
  first[i] = __shfl_sync(kAll, value, 0);
  halves[i] = __shfl_down_sync(kAll, value, 8, 16);
}

__global__ void votes(float* out) {
  unsigned lane = threadIdx.x % 32;
  bool all = __all_sync(kAll, lane < 32), any = __any_sync(kAll, lane == 7);
  unsigned odd = __ballot_sync(kAll, lane % 2);
  out[threadIdx.x] = all && any && odd == 0xaaaaaaaau ? 1.0f : 0.0f;
}

// Counts through shared and global memory.
__global__ void count(int* total) {
  __shared__ int block;
  if (threadIdx.x == 0) block = 0;
  __syncthreads();
  atomicAdd(&block, 2);
  __syncthreads();
  if (threadIdx.x == 0) atomicAdd(total, block);
}

float* counting(unsigned count) {
  std::vector<float> values(count);
  for (unsigned i = 0; i < count; ++i) values[i] = static_cast<float>(i);
  return uploaded(values);
}

template <class Formula>
std::vector<float> table(unsigned count, Formula formula) {
  std::vector<float> values(count);
  for (unsigned i = 0; i < count; ++i) values[i] = static_cast<float>(formula(i));
  return values;
}

}  // namespace

TEST("a thread that ends before a barrier is found") {
  begin();
  start(nullptr, 1, kThreads, leave_before_barrier, zeroed_array(kThreads));
  expect_finding({"divergent barrier", "thread (5,0,0) has ended", "block_faults_test.cu:"});
}

TEST("threads at different barriers are found") {
  begin();
  start(nullptr, 1, kThreads, part_ways, zeroed_array(kThreads));
  expect_finding({"divergent barrier", "thread (0,0,0)", "thread (32,0,0)"});
}

TEST("a missing __syncthreads is found in any order of threads") {
  for (uint32_t seed = 0; seed < 8; ++seed) {
    begin({.seed = seed});
    start(nullptr, 1, kThreads, reverse<false>, counting(kThreads));
    expect_finding({"shared memory", "reverse<false>"});
  }
}

TEST("__syncthreads makes it right in any order of threads") {
  for (uint32_t seed = 0; seed < 8; ++seed) {
    begin({.seed = seed});
    float* values = counting(kThreads);
    start(nullptr, 1, kThreads, reverse<true>, values);
    expect_no_finding();
    expect_values(downloaded(values, kThreads),
                  table(kThreads, [](unsigned i) { return kThreads - 1 - i; }));
  }
}

TEST("a missing __syncwarp is found, and the barrier makes it right") {
  begin();
  start(nullptr, 1, kThreads, rotate_in_warp<false>, counting(kThreads));
  expect_finding({"shared memory"});
  begin();
  float* values = counting(kThreads);
  start(nullptr, 1, kThreads, rotate_in_warp<true>, values);
  expect_no_finding();
  expect_values(downloaded(values, kThreads),
                table(kThreads, [](unsigned i) { return i / 32 * 32 + (i + 1) % 32; }));
}

TEST("a warp may go round as long as __syncwarp parts its reads from its writes") {
  for (uint32_t seed = 0; seed < 8; ++seed) {
    begin({.seed = seed});
    start(nullptr, 1, kThreads, go_round_in_warp<false>, counting(kThreads));
    expect_finding({"shared memory", "go_round_in_warp<false>"});
    begin({.seed = seed});
    float* values = uploaded(std::vector<float>(kThreads, 1.0f));
    start(nullptr, 1, kThreads, go_round_in_warp<true>, values);
    expect_no_finding();
    expect_values(downloaded(values, kThreads), std::vector<float>(kThreads, 8.0f));
  }
}

TEST("shared memory that is written again too early is found") {
  begin();
  start(nullptr, 1, kThreads, use_tile_twice<false>, zeroed_array(kThreads));
  expect_finding({"4 bytes of shared memory", "since the last barrier", "use_tile_twice<false>"});
  begin();
  start(nullptr, 1, kThreads, use_tile_twice<true>, zeroed_array(kThreads));
  expect_no_finding();
}

TEST("shared memory does not outlive its block") {
  for (uint32_t seed = 0; seed < 4; ++seed) {
    begin({.seed = seed});
    start(nullptr, 2, kThreads, read_tile_of_last_block, zeroed_array(2 * kThreads));
    expect_finding({"reads 4 bytes of shared memory", "never written by this block", "block (1,0,0)"});
  }
}

TEST("what goes beyond a shared array is found, though another lies near") {
  for (int index : {-1, 64, 100, 1100}) {
    begin();
    start(nullptr, 1, kThreads, touch_shared_array<true>, zeroed_array(1), index);
    expect_finding({"writes 4 bytes of shared memory", "out of bounds", "touch_shared_array<true>"});
    begin();
    start(nullptr, 1, kThreads, touch_shared_array<false>, zeroed_array(1), index);
    expect_finding({"reads 4 bytes of shared memory", "out of bounds", "touch_shared_array<false>"});
  }
  for (int index : {0, 63}) {
    begin();
    start(nullptr, 1, kThreads, touch_shared_array<true>, zeroed_array(1), index);
    start(nullptr, 1, kThreads, touch_shared_array<false>, zeroed_array(1), index);
    expect_no_finding();
  }
}

TEST("a shuffle that a lane of its mask never reaches is found") {
  begin();
  start(nullptr, 1, 32, shuffle_without_last_lane, zeroed_array(32));
  expect_finding({"divergent barrier", "waits for its warp", "thread (31,0,0) has ended"});
}

TEST("a shuffle from a lane outside of the mask is found") {
  begin();
  start(nullptr, 1, 32, shuffle_from_outside_the_mask, zeroed_array(32));
  expect_finding({"shuffle from lane 16"});
}

TEST("shuffles take the lanes that the guide names") {
  begin();
  float* out[5];
  for (float*& one : out) one = zeroed_array(32);
  start(nullptr, 1, 32, shuffles, out[0], out[1], out[2], out[3], out[4]);
  expect_no_finding();
  expect_values(downloaded(out[0], 32), table(32, [](int i) { return i + 3 < 32 ? i + 3 : i; }));
  expect_values(downloaded(out[1], 32), table(32, [](int i) { return i >= 3 ? i - 3 : i; }));
  expect_values(downloaded(out[2], 32), table(32, [](int i) { return i ^ 5; }));
  expect_values(downloaded(out[3], 32), table(32, [](int) { return 0; }));
  expect_values(downloaded(out[4], 32), table(32, [](int i) { return i % 16 < 8 ? i + 8 : i; }));
}

TEST("votes count the lanes") {
  begin();
  float* out = zeroed_array(kThreads);
  start(nullptr, 1, kThreads, votes, out);
  expect_no_finding();
  expect_values(downloaded(out, kThreads), std::vector<float>(kThreads, 1));
}

TEST("atomics add up over threads and blocks") {
  begin();
  int* total = zeroed_array<int>(1);
  start(nullptr, 3, kThreads, count, total);
  int result = 0;
  SUCCEED(cudaMemcpy(&result, total, sizeof(int), cudaMemcpyDeviceToHost));
  if (result != 2 * 3 * kThreads) failed("expected 384, got ", result);
}

}  // namespace halfspace::test
