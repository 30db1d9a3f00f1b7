// cuDNN's descriptors with an owner each, and how tensors of ours are described by them.
#pragma once

#include "../semantics/convolution.h"
#include "check.h"

namespace halfspace::cuda {

// Owns one descriptor; the template arguments are its type and the calls that make and end it.
template <class Handle, cudnnStatus_t (*create)(Handle*), cudnnStatus_t (*destroy)(Handle)>
class Descriptor {
 public:
  Descriptor() { HALFSPACE_CUDNN(create(&handle_)); }
  ~Descriptor() { destroy(handle_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  operator Handle() const { return handle_; }

 private:
  Handle handle_ = nullptr;
};

using TensorDescriptor = Descriptor<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor,
                                    cudnnDestroyTensorDescriptor>;
using FilterDescriptor = Descriptor<cudnnFilterDescriptor_t, cudnnCreateFilterDescriptor,
                                    cudnnDestroyFilterDescriptor>;
using ConvolutionDescriptor =
    Descriptor<cudnnConvolutionDescriptor_t, cudnnCreateConvolutionDescriptor,
               cudnnDestroyConvolutionDescriptor>;

// A convolution as cuDNN sees it: NHWC images, weights [K,R,S,C/groups] of the same type, sums in fp32,
// and the padding on both sides of an axis alike.
struct CudnnConvolution {
  TensorDescriptor x, y;
  FilterDescriptor w;
  ConvolutionDescriptor convolution;

  // `shape` has no more padding at the end of an axis than at its begin.
  CudnnConvolution(const ConvolutionShape& shape, DType type, cudnnMathType_t math);
};

}  // namespace halfspace::cuda
