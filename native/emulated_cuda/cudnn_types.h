// What stands behind cuDNN's handles and descriptors, and how its calls fail.
#pragma once

#include <cudnn.h>

#include <mutex>
#include <string>
#include <vector>

#include "element.h"
#include "failure.h"
#include "operand.h"
#include "stream.h"

// A descriptor that was created but never set has count 0.
struct cudnnTensorStruct {
  cudnnTensorFormat_t format = CUDNN_TENSOR_NCHW;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  int n = 0, c = 0, h = 0, w = 0;

  size_t count() const { return size_t{1} * n * c * h * w; }
  halfspace::emulated::Element element() const {
    return type == CUDNN_DATA_FLOAT ? halfspace::emulated::Element::F32
                                    : halfspace::emulated::Element::BF16;
  }
  size_t bytes() const { return count() * halfspace::emulated::element_bytes(element()); }
};

// A filter is a tensor of n output channels and c channels of a group.
struct cudnnFilterStruct {
  cudnnTensorStruct tensor;
};

struct cudnnConvolutionStruct {
  int pad_h = 0, pad_w = 0;
  int stride_h = 0, stride_w = 0;
  int dilation_h = 0, dilation_w = 0;
  int groups = 1;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

struct cudnnContext {
  int device;
  cudaStream_t stream = nullptr;
};

namespace halfspace::emulated {

struct CudnnFailure {
  cudnnStatus_t status;
  const char* reason = "";
};

// What cudnnGetLastErrorString tells of this thread's last failed call.
extern thread_local std::string last_reason;

inline void require_cudnn(bool condition, cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM,
                          const char* reason = "") {
  if (!condition) throw CudnnFailure{status, reason};
}

// Runs the body of one call; a failure of the runtime becomes one of the library.
template <class Body>
cudnnStatus_t cudnn_call(Body body) {
  const std::lock_guard<std::recursive_mutex> inside(gate());
  try {
    require(finding_code() == cudaSuccess, finding_code());
    body();
    return CUDNN_STATUS_SUCCESS;
  } catch (const CudnnFailure& failure) {
    last_reason = failure.reason;
    return failure.status;
  } catch (const Failure& failure) {
    last_reason = cudaGetErrorString(failure.code);
    return CUDNN_STATUS_EXECUTION_FAILED;
  }
}

// Whether the descriptor was set and describes something.
void require_set(const cudnnTensorStruct* tensor);

// The floats of a packed tensor in NHWC, and back, scaled.
std::vector<float> load_nhwc(const cudnnTensorStruct& tensor, const void* data);
void store_nhwc(const cudnnTensorStruct& tensor, void* data, const std::vector<float>& values,
                Scaling scaling);

// The factors as f32 tensors have them, read when the call is made.
Scaling scaling_of(const void* alpha, const void* beta);

Operand reads(const cudnnTensorStruct& tensor, const void* data, const char* name);
Operand writes(const cudnnTensorStruct& tensor, void* data, const char* name);

void enqueue_cudnn(cudnnHandle_t handle, const char* name, std::function<void()> run);

}  // namespace halfspace::emulated
