// What the tests of the emulation share: a fresh start, launches, and the finding that a planted mistake
// must leave.
#pragma once

#include <cuda_runtime.h>
#include <emulated_cuda.h>

#include <string>
#include <vector>

#include "../tests.h"

namespace halfspace::test {

inline void succeed(cudaError_t status, const char* call) {
  if (status != cudaSuccess) failed(call, ": ", cudaGetErrorString(status));
}
#define SUCCEED(call) ::halfspace::test::succeed((call), #call)

// Forgets what earlier tests did; every test begins with one.
inline void begin(emulated::Options options = {}) { emulated::reset(options); }

template <class T = float>
T* device_array(size_t count) {
  T* pointer = nullptr;
  SUCCEED(cudaMalloc(&pointer, count * sizeof(T)));
  return pointer;
}

// Setting memory does not wait, and streams of new_stream do not wait for it.
template <class T = float>
T* zeroed_array(size_t count) {
  T* pointer = device_array<T>(count);
  SUCCEED(cudaMemset(pointer, 0, count * sizeof(T)));
  SUCCEED(cudaDeviceSynchronize());
  return pointer;
}

inline float* uploaded(const std::vector<float>& values) {
  float* pointer = device_array(values.size());
  SUCCEED(cudaMemcpy(pointer, values.data(), values.size() * sizeof(float),
                     cudaMemcpyHostToDevice));
  return pointer;
}

inline std::vector<float> downloaded(const float* pointer, size_t count) {
  std::vector<float> values(count);
  SUCCEED(cudaMemcpy(values.data(), pointer, count * sizeof(float), cudaMemcpyDeviceToHost));
  return values;
}

inline cudaStream_t new_stream() {
  cudaStream_t stream = nullptr;
  SUCCEED(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return stream;
}

inline cudaEvent_t new_event() {
  cudaEvent_t event = nullptr;
  SUCCEED(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  return event;
}

template <class... Parameters, class... Arguments>
void start(cudaStream_t stream, unsigned blocks, unsigned threads, void (*kernel)(Parameters...),
           Arguments... arguments) {
  cudaLaunchConfig_t config = {};
  config.gridDim = blocks;
  config.blockDim = threads;
  config.stream = stream;
  SUCCEED(cudaLaunchKernelEx(&config, kernel, arguments...));
}

// All work ends well.
inline void expect_no_finding() {
  SUCCEED(cudaDeviceSynchronize());
  if (!emulated::finding().empty()) failed("found: ", emulated::finding());
}

// Waiting for all work fails, and says all of these words.
inline void expect_finding(const std::vector<std::string>& words) {
  cudaError_t status = cudaDeviceSynchronize();
  if (status == cudaSuccess) failed("nothing was found");
  std::string text = cudaGetErrorString(status);
  for (const std::string& word : words) {
    if (text.find(word) == std::string::npos) failed("expected '", word, "' in: ", text);
  }
}

inline void expect_status(cudaError_t status, cudaError_t expected) {
  if (status == expected) return;
  failed("expected ", cudaGetErrorName(expected), ", got ", cudaGetErrorName(status));
}

inline void expect_values(const std::vector<float>& values, const std::vector<float>& expected) {
  if (values.size() != expected.size()) failed("expected ", expected.size(), " values");
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] != expected[i]) {
      failed("value ", i, ": expected ", expected[i], ", got ", values[i]);
    }
  }
}

}  // namespace halfspace::test
