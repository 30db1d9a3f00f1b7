#include "cudnn_types.h"

namespace halfspace::emulated {

thread_local std::string last_reason;

namespace {

// Where element (n, c, h, w) lies.
size_t offset_in(const cudnnTensorStruct& t, size_t n, size_t c, size_t h, size_t w) {
  return t.format == CUDNN_TENSOR_NHWC ? ((n * t.h + h) * t.w + w) * t.c + c
                                       : ((n * t.c + c) * t.h + h) * t.w + w;
}

// Calls body(offset in memory, index in NHWC) for every element.
template <class Body>
void for_each_nhwc(const cudnnTensorStruct& t, Body body) {
  size_t index = 0;
  for (int n = 0; n < t.n; ++n) {
    for (int h = 0; h < t.h; ++h) {
      for (int w = 0; w < t.w; ++w) {
        for (int c = 0; c < t.c; ++c) body(offset_in(t, n, c, h, w), index++);
      }
    }
  }
}

}  // namespace

void require_set(const cudnnTensorStruct* tensor) {
  require_cudnn(tensor != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  require_cudnn(tensor->count() > 0);
}

std::vector<float> load_nhwc(const cudnnTensorStruct& tensor, const void* data) {
  std::vector<float> values(tensor.count());
  for_each_nhwc(tensor, [&](size_t offset, size_t index) {
    values[index] = load_element(data, offset, tensor.element());
  });
  return values;
}

void store_nhwc(const cudnnTensorStruct& tensor, void* data, const std::vector<float>& values,
                Scaling scaling) {
  Element type = tensor.element();
  for_each_nhwc(tensor, [&](size_t offset, size_t index) {
    float before = scaling.beta == 0 ? 0 : load_element(data, offset, type);
    store_element(data, offset, type, scaling(values[index], before));
  });
}

Scaling scaling_of(const void* alpha, const void* beta) {
  require_cudnn(alpha && beta, CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  return {*static_cast<const float*>(alpha), *static_cast<const float*>(beta)};
}

Operand reads(const cudnnTensorStruct& tensor, const void* data, const char* name) {
  return {Access::Read, data, tensor.bytes(), name};
}

Operand writes(const cudnnTensorStruct& tensor, void* data, const char* name) {
  return {Access::Write, data, tensor.bytes(), name};
}

void enqueue_cudnn(cudnnHandle_t handle, const char* name, std::function<void()> run) {
  require_cudnn(handle != nullptr, CUDNN_STATUS_NOT_INITIALIZED);
  CUstream_st& stream = stream_of(handle->stream);
  require_cudnn(stream.device == handle->device);
  enqueue(stream, {.name = name, .run = std::move(run)});
}

}  // namespace halfspace::emulated
