// Plants one wrong access of each kind in a kernel, a copy or host code, and expects it to be named.
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"

namespace halfspace::test {
namespace {

__global__ void copy(const float* from, float* to, int count) {
  int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) to[i] = from[i];
}

__global__ void copy_unguarded(const float* from, float* to) {
  int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  to[i] = from[i];
}

__global__ void copy_four(const float* from, float* to) {
  *reinterpret_cast<float4*>(to) = *reinterpret_cast<const float4*>(from);
}

}  // namespace

TEST("a right kernel passes") {
  begin();
  float *from = uploaded({1, 2, 3}), *to = device_array(3);
  start(nullptr, 1, 32, copy, from, to, 3);
  expect_no_finding();
  expect_values(downloaded(to, 3), {1, 2, 3});
}

TEST("a read beyond the end is found, with its thread and its line") {
  begin();
  float *from = zeroed_array(40), *to = device_array(64);
  start(nullptr, 2, 32, copy_unguarded, from, to);
  expect_finding({"reads 4 bytes", "of allocation", "(160 bytes", "out of bounds", "block (1,0,0)",
                  "copy_unguarded", "memory_faults_test.cu:"});
}

TEST("a write beyond the end is found") {
  begin();
  float *from = zeroed_array(64), *to = device_array(40);
  start(nullptr, 2, 32, copy_unguarded, from, to);
  expect_finding({"writes 4 bytes", "out of bounds"});
}

TEST("freed memory is found") {
  begin();
  float *from = zeroed_array(4), *to = device_array(4);
  SUCCEED(cudaFree(from));
  start(nullptr, 1, 4, copy, from, to, 4);
  expect_finding({"reads 4 bytes", "freed"});
}

TEST("memory that was never written is found where a kernel reads it") {
  begin();
  float *from = device_array(4), *to = device_array(4);
  start(nullptr, 1, 4, copy, from, to, 4);
  expect_finding({"reads 4 bytes", "never written"});
}

TEST("memory that was never written is found where the host copies it") {
  begin();
  float *from = zeroed_array(4), *to = device_array(8);
  start(nullptr, 1, 4, copy, from, to, 4);
  float values[8];
  expect_status(cudaMemcpy(values, to, sizeof(values), cudaMemcpyDeviceToHost),
                cudaErrorLaunchFailure);
  expect_finding({"cudaMemcpyAsync reads 16 bytes", "never written"});
}

TEST("a copy between devices' addresses keeps unwritten bytes unwritten") {
  begin();
  float *from = device_array(4), *between = device_array(4), *to = device_array(4);
  SUCCEED(cudaMemcpy(between, from, 16, cudaMemcpyDeviceToDevice));
  start(nullptr, 1, 4, copy, between, to, 4);
  expect_finding({"reads 4 bytes", "never written"});
}

TEST("a vector load that is not aligned is found") {
  begin();
  float *from = zeroed_array(8), *to = device_array(4);
  start(nullptr, 1, 1, copy_four, from + 1, to);
  expect_finding({"misaligned"});
}

TEST("memory of another device is found") {
  begin();
  SUCCEED(cudaSetDevice(1));
  float* from = zeroed_array(4);
  SUCCEED(cudaSetDevice(0));
  start(nullptr, 1, 4, copy, from, device_array(4), 4);
  expect_finding({"cuda:1", "memory of another device"});
}

TEST("a kernel that writes to host memory is found") {
  begin();
  std::vector<float> host(4);
  start(nullptr, 1, 4, copy, zeroed_array(4), host.data(), 4);
  expect_finding({"writes 4 bytes at host memory"});
}

TEST("a copy that does not fit its allocation is refused") {
  begin();
  float values[8] = {};
  expect_status(cudaMemcpy(device_array(4), values, sizeof(values), cudaMemcpyHostToDevice),
                cudaErrorInvalidValue);
}

TEST("freeing twice is refused") {
  begin();
  float* memory = device_array(4);
  SUCCEED(cudaFree(memory));
  expect_status(cudaFree(memory), cudaErrorInvalidValue);
}

TEST("host code that touches device memory ends its process") {
  begin();
  float* memory = zeroed_array(4);
  pid_t child = fork();
  if (child == 0) _exit(static_cast<volatile float*>(memory)[0] == 0 ? 0 : 2);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 1) failed("it went on with status ", status);
}

}  // namespace halfspace::test
