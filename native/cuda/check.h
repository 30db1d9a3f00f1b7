// Every call of the CUDA runtime, cuDNN and cuBLAS stands in one of these macros, which throw with the
// call as it is written and what the library says of its failure.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cudnn.h>

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

inline const char* text_of(cudaError_t status) { return cudaGetErrorString(status); }
inline const char* text_of(cudnnStatus_t status) { return cudnnGetErrorString(status); }
inline const char* text_of(cublasStatus_t status) { return cublasGetStatusString(status); }

constexpr const char* advice(ErrorCode code) {
  if (code != ErrorCode::OutOfMemory) return "";
  return "; a smaller batch needs less, and nvidia-smi says who else uses the GPU's memory";
}

template <class Status>
void check_call(Status status, Status success, const char* call) {
  if (status == success) return;
  const ErrorCode code = code_of(status);
  fail(code, call, ": ", text_of(status), advice(code));
}

}  // namespace halfspace::cuda

#define HALFSPACE_CUDA(call) ::halfspace::cuda::check_call((call), cudaSuccess, #call)
#define HALFSPACE_CUDNN(call) ::halfspace::cuda::check_call((call), CUDNN_STATUS_SUCCESS, #call)
#define HALFSPACE_CUBLAS(call) ::halfspace::cuda::check_call((call), CUBLAS_STATUS_SUCCESS, #call)
