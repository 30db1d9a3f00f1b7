// Leaves out one wait of each kind, between streams, between the host and a stream, between blocks, and
// expects it to be named; and shows that the wait makes it right.
#include "faults.h"

namespace halfspace::test {
namespace {

constexpr unsigned kCount = 64;

__global__ void fill(float* to, float value) { to[threadIdx.x] = value; }

__global__ void copy(const float* from, float* to) { to[threadIdx.x] = from[threadIdx.x]; }

__global__ void all_write_one(float* to) {
  if (threadIdx.x == 0) to[0] = static_cast<float>(blockIdx.x);
}

__global__ void read_neighbour(float* values) {
  float next = values[(threadIdx.x + 1) % blockDim.x];
  values[threadIdx.x] = next;
}

__global__ void read_neighbour_in_turn(float* values) {
  float next = values[(threadIdx.x + 1) % blockDim.x];
  __syncthreads();
  values[threadIdx.x] = next;
}

float* pinned_array(float value) {
  float* memory = nullptr;
  SUCCEED(cudaHostAlloc(&memory, kCount * sizeof(float), cudaHostAllocDefault));
  std::fill_n(memory, kCount, value);
  return memory;
}

constexpr size_t kBytes = kCount * sizeof(float);

}  // namespace

TEST("reading what another stream writes without waiting for it is found") {
  begin();
  float *shared = zeroed_array(kCount), *result = device_array(kCount);
  cudaStream_t first = new_stream(), second = new_stream();
  start(first, 1, kCount, fill, shared, 1.0f);
  start(second, 1, kCount, copy, shared, result);
  expect_finding({"another stream's work", "nothing orders the two"});
}

TEST("overwriting what another stream reads without waiting for it is found") {
  begin();
  float *shared = zeroed_array(kCount), *result = device_array(kCount);
  cudaStream_t first = new_stream(), second = new_stream();
  start(first, 1, kCount, copy, shared, result);
  start(second, 1, kCount, fill, shared, 1.0f);
  expect_finding({"another stream's work", "nothing orders the two"});
}

TEST("an event between the streams makes it right") {
  begin();
  float *shared = zeroed_array(kCount), *result = device_array(kCount);
  cudaStream_t first = new_stream(), second = new_stream();
  cudaEvent_t written = new_event();
  start(first, 1, kCount, fill, shared, 1.0f);
  SUCCEED(cudaEventRecord(written, first));
  SUCCEED(cudaStreamWaitEvent(second, written));
  start(second, 1, kCount, copy, shared, result);
  expect_no_finding();
  expect_values(downloaded(result, kCount), std::vector<float>(kCount, 1));
}

TEST("a wait of the host between the launches makes it right") {
  begin();
  float *shared = zeroed_array(kCount), *result = device_array(kCount);
  cudaStream_t first = new_stream(), second = new_stream();
  start(first, 1, kCount, fill, shared, 1.0f);
  SUCCEED(cudaStreamSynchronize(first));
  start(second, 1, kCount, copy, shared, result);
  expect_no_finding();
}

TEST("work of the default stream waits for blocking streams and they for it") {
  begin();
  float *shared = zeroed_array(kCount), *result = device_array(kCount);
  cudaStream_t blocking = nullptr;
  SUCCEED(cudaStreamCreate(&blocking));
  start(blocking, 1, kCount, fill, shared, 1.0f);
  start(nullptr, 1, kCount, copy, shared, result);
  start(blocking, 1, kCount, fill, shared, 2.0f);
  expect_no_finding();
}

TEST("setting memory is work of the default stream, which others do not wait for") {
  begin();
  float *memory = device_array(kCount), *result = device_array(kCount);
  SUCCEED(cudaMemset(memory, 0, kBytes));
  start(new_stream(), 1, kCount, copy, memory, result);
  expect_finding({"reads 4 bytes"});
}

TEST("two memsets of one place in two streams are found") {
  begin();
  float* shared = zeroed_array(kCount);
  SUCCEED(cudaMemsetAsync(shared, 0, kBytes, new_stream()));
  SUCCEED(cudaMemsetAsync(shared, 0, kBytes, new_stream()));
  expect_finding({"cudaMemsetAsync writes", "nothing orders the two"});
}

TEST("pinned memory that changes before its copy has run is found") {
  begin();
  float *source = pinned_array(1), *target = device_array(kCount);
  cudaStream_t stream = new_stream();
  SUCCEED(cudaMemcpyAsync(target, source, kBytes, cudaMemcpyHostToDevice, stream));
  source[3] = 2;
  expect_finding({"the host changed the pinned source before the copy ran"});
}

TEST("pinned memory may change when an event says that its copy has run") {
  begin();
  float *source = pinned_array(1), *target = device_array(kCount);
  cudaStream_t stream = new_stream();
  cudaEvent_t copied = new_event();
  SUCCEED(cudaMemcpyAsync(target, source, kBytes, cudaMemcpyHostToDevice, stream));
  SUCCEED(cudaEventRecord(copied, stream));
  SUCCEED(cudaEventSynchronize(copied));
  source[3] = 2;
  expect_no_finding();
  expect_values(downloaded(target, kCount), std::vector<float>(kCount, 1));
}

TEST("a result that the host reads without waiting is not there") {
  begin();
  float* target = pinned_array(0);
  float* source = uploaded(std::vector<float>(kCount, 5));
  cudaStream_t stream = new_stream();
  SUCCEED(cudaMemcpyAsync(target, source, kBytes, cudaMemcpyDeviceToHost, stream));
  if (!std::isnan(target[0])) failed("expected NaN before the copy, got ", target[0]);
  SUCCEED(cudaStreamSynchronize(stream));
  if (target[0] != 5) failed("expected 5 after it, got ", target[0]);
}

TEST("blocks that write to one place are found") {
  begin();
  start(nullptr, 2, 32, all_write_one, zeroed_array(1));
  expect_finding({"another thread of the same launch", "no barrier orders the two"});
}

TEST("threads that read what their neighbours overwrite are found") {
  begin();
  start(nullptr, 1, kCount, read_neighbour, zeroed_array(kCount));
  expect_finding({"another thread of the same launch"});
}

TEST("a barrier between reading and overwriting makes it right") {
  begin();
  std::vector<float> values(kCount), expected(kCount);
  for (unsigned i = 0; i < kCount; ++i) {
    values[i] = static_cast<float>(i);
    expected[i] = static_cast<float>((i + 1) % kCount);
  }
  float* memory = uploaded(values);
  start(nullptr, 1, kCount, read_neighbour_in_turn, memory);
  expect_no_finding();
  expect_values(downloaded(memory, kCount), expected);
}

}  // namespace halfspace::test
