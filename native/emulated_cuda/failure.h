// How calls fail: an error code of one call, thrown as Failure and turned into a status at the API; or
// a finding, a mistake of the program that no GPU would forgive, which is printed, kept, and fails every
// later call.
#pragma once

#include <cuda_runtime_api.h>

#include <mutex>
#include <sstream>
#include <string>

namespace halfspace::emulated {

struct Failure {
  cudaError_t code;
};

// Throws `code` unless the condition holds.
inline void require(bool condition, cudaError_t code = cudaErrorInvalidValue) {
  if (!condition) throw Failure{code};
}

template <class... Parts>
std::string text_of(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

// Keeps the first finding and prints it.
void report(cudaError_t code, const std::string& text);
// cudaSuccess while there is no finding.
cudaError_t finding_code();
void forget_findings();

// One thread at a time is inside the emulation.
std::recursive_mutex& gate();

// The status that this thread's last failed call left, for cudaGetLastError.
extern thread_local cudaError_t last_error;

// Runs the body of one call of the runtime.
template <class Body>
cudaError_t call(Body body) {
  const std::lock_guard<std::recursive_mutex> inside(gate());
  cudaError_t status = finding_code();
  try {
    if (status == cudaSuccess) {
      body();
      status = finding_code();
    }
  } catch (const Failure& failure) {
    status = failure.code;
  }
  if (status != cudaSuccess && status != cudaErrorNotReady) last_error = status;
  return status;
}

}  // namespace halfspace::emulated
