// Graphs, events, and the devices and limits that a test can ask for.
#include "faults.h"

namespace halfspace::test {
namespace {

constexpr unsigned kCount = 32;

__global__ void add(float* to, const float* from) { to[threadIdx.x] += from[threadIdx.x]; }
__global__ void fill(float* to, float value) { to[threadIdx.x] = value; }

cudaGraphExec_t ended(cudaStream_t stream) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  SUCCEED(cudaStreamEndCapture(stream, &graph));
  SUCCEED(cudaGraphInstantiate(&exec, graph));
  SUCCEED(cudaGraphDestroy(graph));
  return exec;
}

void begin_capture(cudaStream_t stream) {
  SUCCEED(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
}

void expect_capture_fails(cudaStream_t stream, cudaError_t expected) {
  cudaGraph_t graph = nullptr;
  expect_status(cudaStreamEndCapture(stream, &graph), expected);
}

}  // namespace

TEST("a captured launch runs at every replay and not before") {
  begin();
  float *sum = zeroed_array(kCount), *one = uploaded(std::vector<float>(kCount, 1));
  cudaStream_t stream = new_stream();
  begin_capture(stream);
  start(stream, 1, kCount, add, sum, one);
  cudaGraphExec_t exec = ended(stream);
  expect_values(downloaded(sum, kCount), std::vector<float>(kCount, 0));
  for (int i = 0; i < 3; ++i) SUCCEED(cudaGraphLaunch(exec, stream));
  SUCCEED(cudaStreamSynchronize(stream));
  expect_values(downloaded(sum, kCount), std::vector<float>(kCount, 3));
  SUCCEED(cudaGraphExecDestroy(exec));
}

TEST("a second stream takes part in a capture through events") {
  begin();
  float *left = zeroed_array(kCount), *right = device_array(kCount);
  cudaStream_t origin = new_stream(), branch = new_stream();
  cudaEvent_t fork = new_event(), join = new_event();
  begin_capture(origin);
  SUCCEED(cudaEventRecord(fork, origin));
  SUCCEED(cudaStreamWaitEvent(branch, fork));
  start(branch, 1, kCount, fill, right, 2.0f);
  SUCCEED(cudaEventRecord(join, branch));
  SUCCEED(cudaStreamWaitEvent(origin, join));
  start(origin, 1, kCount, add, left, right);
  cudaGraphExec_t exec = ended(origin);
  for (int i = 0; i < 2; ++i) SUCCEED(cudaGraphLaunch(exec, origin));
  SUCCEED(cudaStreamSynchronize(origin));
  expect_values(downloaded(left, kCount), std::vector<float>(kCount, 4));
}

TEST("a missing wait inside of a graph is found at replay") {
  begin();
  float *left = zeroed_array(kCount), *right = zeroed_array(kCount);
  cudaStream_t origin = new_stream(), branch = new_stream();
  cudaEvent_t fork = new_event(), join = new_event();
  begin_capture(origin);
  SUCCEED(cudaEventRecord(fork, origin));
  SUCCEED(cudaStreamWaitEvent(branch, fork));
  start(branch, 1, kCount, fill, right, 2.0f);
  SUCCEED(cudaEventRecord(join, branch));
  start(origin, 1, kCount, add, left, right);
  SUCCEED(cudaStreamWaitEvent(origin, join));
  SUCCEED(cudaGraphLaunch(ended(origin), origin));
  expect_finding({"another stream's work", "nothing orders the two"});
}

TEST("a capture that leaves a stream behind is refused") {
  begin();
  cudaStream_t origin = new_stream(), branch = new_stream();
  cudaEvent_t fork = new_event();
  float* memory = device_array(kCount);
  begin_capture(origin);
  SUCCEED(cudaEventRecord(fork, origin));
  SUCCEED(cudaStreamWaitEvent(branch, fork));
  start(branch, 1, kCount, fill, memory, 2.0f);
  expect_capture_fails(origin, cudaErrorStreamCaptureUnjoined);
}

TEST("waiting and allocating while capturing is refused and spoils the capture") {
  begin();
  cudaStream_t stream = new_stream();
  begin_capture(stream);
  expect_status(cudaStreamSynchronize(stream), cudaErrorStreamCaptureUnsupported);
  expect_capture_fails(stream, cudaErrorStreamCaptureInvalidated);
  begin_capture(stream);
  void* memory = nullptr;
  expect_status(cudaMalloc(&memory, 16), cudaErrorStreamCaptureUnsupported);
  expect_capture_fails(stream, cudaErrorStreamCaptureInvalidated);
}

TEST("a graph reads pinned memory as it is at its launch") {
  begin();
  float* source = nullptr;
  SUCCEED(cudaMallocHost(&source, sizeof(float)));
  float* target = device_array(1);
  cudaStream_t stream = new_stream();
  begin_capture(stream);
  SUCCEED(cudaMemcpyAsync(target, source, sizeof(float), cudaMemcpyHostToDevice, stream));
  cudaGraphExec_t exec = ended(stream);
  for (float value : {7.0f, 8.0f}) {
    *source = value;
    SUCCEED(cudaGraphLaunch(exec, stream));
    SUCCEED(cudaStreamSynchronize(stream));
    expect_values(downloaded(target, 1), {value});
  }
}

TEST("nothing runs before somebody waits for it") {
  begin({.seed = 0});
  float* memory = zeroed_array(kCount);
  cudaStream_t stream = new_stream();
  cudaEvent_t event = new_event();
  start(stream, 1, kCount, fill, memory, 1.0f);
  SUCCEED(cudaEventRecord(event, stream));
  expect_status(cudaEventQuery(event), cudaErrorNotReady);
  SUCCEED(cudaEventSynchronize(event));
  SUCCEED(cudaEventQuery(event));
}

TEST("memory ends where the test says") {
  begin({.memory_bytes = size_t{1} << 30});
  void *first = nullptr, *second = nullptr;
  size_t free = 0, total = 0;
  SUCCEED(cudaMemGetInfo(&free, &total));
  expect_status(cudaMalloc(&first, free + 1), cudaErrorMemoryAllocation);
  SUCCEED(cudaMalloc(&first, 4096));
  size_t left = 0;
  SUCCEED(cudaMemGetInfo(&left, &total));
  if (left != free - 4096) failed("expected ", free - 4096, " free bytes, got ", left);
  expect_status(cudaMalloc(&second, free), cudaErrorMemoryAllocation);
  SUCCEED(cudaFree(first));
}

TEST("drivers, devices and architectures are as the test says") {
  int count = -1;
  begin({.driver_version = 0});
  expect_status(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
  begin({.driver_version = 12000});
  expect_status(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
  begin({.devices = 0});
  expect_status(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  begin({.devices = 3, .arch = 75});
  SUCCEED(cudaGetDeviceCount(&count));
  cudaDeviceProp properties = {};
  SUCCEED(cudaGetDeviceProperties(&properties, 2));
  if (count != 3 || properties.major != 7 || properties.minor != 5) failed("other devices");
  expect_status(cudaSetDevice(3), cudaErrorInvalidDevice);
}

TEST("a launch that no device can do is refused") {
  begin();
  cudaLaunchConfig_t config = {};
  config.gridDim = 1;
  config.blockDim = 1025;
  float* memory = device_array(kCount);
  expect_status(cudaLaunchKernelEx(&config, fill, memory, 0.0f), cudaErrorInvalidConfiguration);
}

TEST("a destroyed stream is refused") {
  begin();
  cudaStream_t stream = new_stream();
  SUCCEED(cudaStreamDestroy(stream));
  expect_status(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
}

}  // namespace halfspace::test
