// Handles and descriptors of cuDNN: making, setting and destroying them.
#include <cstdio>

#include "cudnn_types.h"
#include "device.h"
#include "options.h"

namespace halfspace::emulated {
namespace {

template <class T>
cudnnStatus_t create(T** object) {
  return cudnn_call([&] {
    require_cudnn(object != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    *object = new T;
  });
}

// Destroying works after a finding too, so that owners can let go.
template <class T>
cudnnStatus_t destroy(T* object) {
  delete object;
  return CUDNN_STATUS_SUCCESS;
}

bool is_known(cudnnDataType_t type) {
  return type == CUDNN_DATA_FLOAT || type == CUDNN_DATA_BFLOAT16;
}

bool is_known(cudnnTensorFormat_t format) {
  return format == CUDNN_TENSOR_NCHW || format == CUDNN_TENSOR_NHWC;
}

void set(cudnnTensorStruct* tensor, cudnnTensorFormat_t format, cudnnDataType_t type, int n, int c,
         int h, int w) {
  require_cudnn(tensor != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  require_cudnn(n > 0 && c > 0 && h > 0 && w > 0);
  require_cudnn(is_known(type) && is_known(format), CUDNN_STATUS_NOT_SUPPORTED);
  *tensor = {format, type, n, c, h, w};
}

}  // namespace
}  // namespace halfspace::emulated

using namespace halfspace::emulated;

size_t cudnnGetVersion() { return CUDNN_VERSION; }
size_t cudnnGetCudartVersion() { return static_cast<size_t>(options().cudnn_runtime); }

void cudnnGetLastErrorString(char* message, size_t max_size) {
  std::snprintf(message, max_size, "%s", last_reason.c_str());
}

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
      return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_BAD_PARAM_NULL_POINTER:
      return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
    case CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT:
      return "CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT";
    case CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH:
      return "CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED:
      return "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED";
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
      return "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED";
    case CUDNN_STATUS_INTERNAL_ERROR:
      return "CUDNN_STATUS_INTERNAL_ERROR";
    case CUDNN_STATUS_EXECUTION_FAILED:
      return "CUDNN_STATUS_EXECUTION_FAILED";
  }
  return "CUDNN_UNKNOWN_STATUS";
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  return cudnn_call([&] {
    require_cudnn(handle != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    require_device(current_device());
    require_cudnn(options().memory_bytes > 0, CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED,
                  "no memory is left for a handle");
    *handle = new cudnnContext{current_device()};
  });
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return destroy(handle); }

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  return cudnn_call([&] {
    require_cudnn(handle != nullptr, CUDNN_STATUS_NOT_INITIALIZED);
    require_cudnn(stream_of(stream).device == handle->device);
    handle->stream = stream;
  });
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* descriptor) {
  return create(descriptor);
}
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor) {
  return destroy(descriptor);
}
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t descriptor,
                                         cudnnTensorFormat_t format, cudnnDataType_t type, int n,
                                         int c, int h, int w) {
  return cudnn_call([&] { set(descriptor, format, type, n, c, h, w); });
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* descriptor) {
  return create(descriptor);
}
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t descriptor) {
  return destroy(descriptor);
}
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t descriptor, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  return cudnn_call([&] {
    require_cudnn(descriptor != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    set(&descriptor->tensor, format, type, k, c, h, w);
  });
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* descriptor) {
  return create(descriptor);
}
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t descriptor) {
  return destroy(descriptor);
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t descriptor, int pad_h,
                                              int pad_w, int stride_h, int stride_w, int dilation_h,
                                              int dilation_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t compute_type) {
  return cudnn_call([&] {
    require_cudnn(descriptor != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    require_cudnn(pad_h >= 0 && pad_w >= 0 && stride_h > 0 && stride_w > 0);
    require_cudnn(dilation_h > 0 && dilation_w > 0);
    bool supported = mode == CUDNN_CROSS_CORRELATION && compute_type == CUDNN_DATA_FLOAT;
    require_cudnn(supported, CUDNN_STATUS_NOT_SUPPORTED);
    *descriptor = {pad_h,      pad_w,      stride_h,           stride_w,
                   dilation_h, dilation_w, descriptor->groups, descriptor->math};
  });
}
cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t descriptor, int groups) {
  return cudnn_call([&] {
    require_cudnn(descriptor != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    require_cudnn(groups > 0);
    descriptor->groups = groups;
  });
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t descriptor,
                                          cudnnMathType_t math) {
  return cudnn_call([&] {
    require_cudnn(descriptor != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    require_cudnn(math >= CUDNN_DEFAULT_MATH && math <= CUDNN_FMA_MATH);
    descriptor->math = math;
  });
}
