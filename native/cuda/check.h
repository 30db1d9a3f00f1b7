// Every call of the CUDA runtime, cuDNN and cuBLAS stands in one of these macros, which throw with the
// call as it is written and what the library says of its failure.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cudnn.h>

#include <string>

#include "../error.h"

namespace halfspace::cuda {

// Memory that is short is its own code, so that callers can ask for less.
constexpr ErrorCode code_of(cudaError_t status) {
  return status == cudaErrorMemoryAllocation ? ErrorCode::OutOfMemory : ErrorCode::Device;
}
constexpr ErrorCode code_of(cudnnStatus_t status) {
  const bool short_of_memory = status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
                               status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
  return short_of_memory ? ErrorCode::OutOfMemory : ErrorCode::Device;
}
constexpr ErrorCode code_of(cublasStatus_t status) {
  return status == CUBLAS_STATUS_ALLOC_FAILED ? ErrorCode::OutOfMemory : ErrorCode::Device;
}

inline std::string text_of(cudaError_t status) { return cudaGetErrorString(status); }
inline std::string text_of(cublasStatus_t status) { return cublasGetStatusString(status); }
// The name of the status, and what cuDNN says of this failure.
inline std::string text_of(cudnnStatus_t status) {
  char reason[512] = "";
  cudnnGetLastErrorString(reason, sizeof(reason));
  const std::string name = cudnnGetErrorString(status);
  return *reason ? name + " (" + reason + ")" : name;
}

// Failures after which the driver fails every call of the process.
constexpr bool is_lasting(cudaError_t status) {
  switch (status) {
    case cudaErrorECCUncorrectable:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
      return true;
    default:
      return false;
  }
}
// The libraries pass on that something failed, not what; the next call of the runtime says it.
constexpr bool is_lasting(cudnnStatus_t) { return false; }
constexpr bool is_lasting(cublasStatus_t) { return false; }

template <class Status>
constexpr const char* advice(Status status) {
  if (code_of(status) == ErrorCode::OutOfMemory) {
    return "; a smaller batch needs less, and nvidia-smi says who else uses the GPU's memory";
  }
  return is_lasting(status) ? "; this process can use the GPU no more: restart it" : "";
}

template <class Status>
void check_call(Status status, Status success, const char* call) {
  if (status == success) return;
  fail(code_of(status), call, ": ", text_of(status), advice(status));
}

}  // namespace halfspace::cuda

#define HALFSPACE_CUDA(call) ::halfspace::cuda::check_call((call), cudaSuccess, #call)
#define HALFSPACE_CUDNN(call) ::halfspace::cuda::check_call((call), CUDNN_STATUS_SUCCESS, #call)
#define HALFSPACE_CUBLAS(call) ::halfspace::cuda::check_call((call), CUBLAS_STATUS_SUCCESS, #call)
