#include "failure.h"

#include <cstdio>

#include "include/emulated_cuda.h"

namespace halfspace::emulated {
namespace {

struct Finding {
  cudaError_t code = cudaSuccess;
  std::string text;
};

Finding first;

struct ErrorText {
  cudaError_t code;
  const char* name;
  const char* text;
};

#define HALFSPACE_ERROR(code, text) {code, #code, text}
constexpr ErrorText kErrors[] = {
    HALFSPACE_ERROR(cudaSuccess, "no error"),
    HALFSPACE_ERROR(cudaErrorInvalidValue, "invalid argument"),
    HALFSPACE_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    HALFSPACE_ERROR(cudaErrorInitializationError, "initialization error"),
    HALFSPACE_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    HALFSPACE_ERROR(cudaErrorInsufficientDriver,
                    "CUDA driver version is insufficient for CUDA runtime version"),
    HALFSPACE_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    HALFSPACE_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    HALFSPACE_ERROR(cudaErrorNoKernelImageForDevice,
                    "no kernel image is available for execution on the device"),
    HALFSPACE_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    HALFSPACE_ERROR(cudaErrorNotReady, "device not ready"),
    HALFSPACE_ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    HALFSPACE_ERROR(cudaErrorMisalignedAddress, "misaligned address"),
    HALFSPACE_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    HALFSPACE_ERROR(cudaErrorSystemDriverMismatch,
                    "system has unsupported display driver / cuda driver combination"),
    HALFSPACE_ERROR(cudaErrorStreamCaptureUnsupported,
                    "operation not permitted when stream is capturing"),
    HALFSPACE_ERROR(cudaErrorStreamCaptureInvalidated,
                    "operation failed due to a previous error during capture"),
    HALFSPACE_ERROR(cudaErrorStreamCaptureMerge,
                    "operation would result in a merge of separate capture sequences"),
    HALFSPACE_ERROR(cudaErrorStreamCaptureUnmatched,
                    "capture was not ended in the same stream as it began"),
    HALFSPACE_ERROR(cudaErrorStreamCaptureUnjoined,
                    "capturing stream has unjoined work"),
    HALFSPACE_ERROR(cudaErrorStreamCaptureIsolation,
                    "dependency created on uncaptured work in another stream"),
    HALFSPACE_ERROR(cudaErrorStreamCaptureImplicit,
                    "operation would make the legacy stream depend on a capturing blocking stream"),
    HALFSPACE_ERROR(cudaErrorCapturedEvent,
                    "operation not permitted on an event last recorded in a capturing stream"),
    HALFSPACE_ERROR(cudaErrorStreamCaptureWrongThread,
                    "attempt to terminate a thread-local capture sequence from another thread"),
    HALFSPACE_ERROR(cudaErrorUnknown, "unknown error"),
};
#undef HALFSPACE_ERROR

const ErrorText* find(cudaError_t code) {
  for (const ErrorText& error : kErrors) {
    if (error.code == code) return &error;
  }
  return nullptr;
}

}  // namespace

thread_local cudaError_t last_error = cudaSuccess;

std::recursive_mutex& gate() {
  static std::recursive_mutex one;
  return one;
}

void report(cudaError_t code, const std::string& text) {
  if (first.code != cudaSuccess) return;
  first = {code, text};
  std::fprintf(stderr, "emulated CUDA: %s\n", text.c_str());
}

cudaError_t finding_code() { return first.code; }

void forget_findings() {
  first = {};
  last_error = cudaSuccess;
}

std::string finding() {
  const std::lock_guard<std::recursive_mutex> inside(gate());
  return first.text;
}

}  // namespace halfspace::emulated

using namespace halfspace::emulated;

cudaError_t cudaPeekAtLastError() {
  const std::lock_guard<std::recursive_mutex> inside(gate());
  return finding_code() != cudaSuccess ? finding_code() : last_error;
}

cudaError_t cudaGetLastError() {
  const std::lock_guard<std::recursive_mutex> inside(gate());
  cudaError_t error = cudaPeekAtLastError();
  last_error = cudaSuccess;
  return error;
}

const char* cudaGetErrorName(cudaError_t error) {
  const ErrorText* found = find(error);
  return found ? found->name : "unrecognized error code";
}

// A finding says more than its code does.
const char* cudaGetErrorString(cudaError_t error) {
  const std::lock_guard<std::recursive_mutex> inside(gate());
  if (error != cudaSuccess && error == first.code) return first.text.c_str();
  const ErrorText* found = find(error);
  return found ? found->text : "unrecognized error code";
}
