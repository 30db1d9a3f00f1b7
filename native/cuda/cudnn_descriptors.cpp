#include "cudnn_descriptors.h"

#include <limits>

#include "as_int.h"

namespace halfspace::cuda {
namespace {

cudnnDataType_t data_type(DType type) {
  return type == DType::BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

// The library's indices have 32 bits, in whatever it computes with them.
void describe_image(const TensorDescriptor& image, DType type, int64_t n, int64_t c, int64_t h,
                    int64_t w) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  const int64_t elements = n * c * h * w;
  check(elements <= kMost, ErrorCode::Unsupported, "cuDNN takes images of up to ", kMost,
        " elements, and this one has ", elements, "; a smaller batch has fewer");
  HALFSPACE_CUDNN(cudnnSetTensor4dDescriptor(image, CUDNN_TENSOR_NHWC, data_type(type), as_int(n),
                                             as_int(c), as_int(h), as_int(w)));
}

}  // namespace

CudnnConvolution::CudnnConvolution(const ConvolutionShape& shape, DType type,
                                   cudnnMathType_t math) {
  describe_image(x, type, shape.n, shape.c, shape.h, shape.w);
  describe_image(y, type, shape.n, shape.k, shape.p, shape.q);
  HALFSPACE_CUDNN(cudnnSetFilter4dDescriptor(w, data_type(type), CUDNN_TENSOR_NHWC,
                                             as_int(shape.k), as_int(shape.c / shape.groups),
                                             as_int(shape.r), as_int(shape.s)));
  HALFSPACE_CUDNN(cudnnSetConvolution2dDescriptor(
      convolution, as_int(shape.padding_begin[0]), as_int(shape.padding_begin[1]),
      as_int(shape.strides[0]), as_int(shape.strides[1]), as_int(shape.dilations[0]),
      as_int(shape.dilations[1]), CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
  HALFSPACE_CUDNN(cudnnSetConvolutionGroupCount(convolution, as_int(shape.groups)));
  HALFSPACE_CUDNN(cudnnSetConvolutionMathType(convolution, math));
}

}  // namespace halfspace::cuda
