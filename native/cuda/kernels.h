// Every kernel of the CUDA device, one factory a kernel name; registry.cpp is the table over them.
// A factory checks its step and throws ErrorCode::Shape where it does not fit.
#pragma once

#include "../device.h"

namespace halfspace::cuda {

// cudnn_convolution.cpp, with our own kernels of depthwise.cu where each channel has its own filter
std::unique_ptr<Kernel> make_convolution(const StepMeta& step);
std::unique_ptr<Kernel> make_convolution_backward_data(const StepMeta& step);
std::unique_ptr<Kernel> make_convolution_backward_weights(const StepMeta& step);
Wanted convolution_layout(const StepMeta& step, Operand operand);

// pool.cu
std::unique_ptr<Kernel> make_max_pool(const StepMeta& step);
std::unique_ptr<Kernel> make_max_pool_backward(const StepMeta& step);
std::unique_ptr<Kernel> make_average_pool(const StepMeta& step);
std::unique_ptr<Kernel> make_average_pool_backward(const StepMeta& step);

// cublas_linear.cpp
std::unique_ptr<Kernel> make_linear(const StepMeta& step);
std::unique_ptr<Kernel> make_linear_backward_data(const StepMeta& step);
std::unique_ptr<Kernel> make_linear_backward_weights(const StepMeta& step);

// cublas_matmul.cpp
std::unique_ptr<Kernel> make_matmul(const StepMeta& step);

// unary.cu
std::unique_ptr<Kernel> make_unary(const StepMeta& step);
std::unique_ptr<Kernel> make_unary_backward(const StepMeta& step);

// sum.cu
std::unique_ptr<Kernel> make_sum(const StepMeta& step);

// binary.cu
std::unique_ptr<Kernel> make_binary(const StepMeta& step);

// concat.cu
std::unique_ptr<Kernel> make_concat(const StepMeta& step);
std::unique_ptr<Kernel> make_split(const StepMeta& step);

// movement.cu
std::unique_ptr<Kernel> make_slice(const StepMeta& step);
std::unique_ptr<Kernel> make_pad(const StepMeta& step);
std::unique_ptr<Kernel> make_transpose(const StepMeta& step);
std::unique_ptr<Kernel> make_expand(const StepMeta& step);

// reorder.cu: `reorder` changes the layout alone, `reshape` the shape too
std::unique_ptr<Kernel> make_reorder(const StepMeta& step);
std::unique_ptr<Kernel> make_reshape(const StepMeta& step);
bool reshape_is_alias(const StepMeta& step);

// reduce.cu
std::unique_ptr<Kernel> make_reduce(const StepMeta& step);
std::unique_ptr<Kernel> make_dot(const StepMeta& step);

// batch_norm.cu
std::unique_ptr<Kernel> make_batch_norm(const StepMeta& step);
std::unique_ptr<Kernel> make_batch_norm_inference(const StepMeta& step);
std::unique_ptr<Kernel> make_batch_norm_backward(const StepMeta& step);

// global_pool.cu
std::unique_ptr<Kernel> make_global_average_pool(const StepMeta& step);
std::unique_ptr<Kernel> make_global_average_pool_backward(const StepMeta& step);

// resize.cu
std::unique_ptr<Kernel> make_resize(const StepMeta& step);
std::unique_ptr<Kernel> make_resize_backward(const StepMeta& step);

// softmax.cu
std::unique_ptr<Kernel> make_softmax(const StepMeta& step);
std::unique_ptr<Kernel> make_softmax_backward(const StepMeta& step);

// softmax_cross_entropy.cu
std::unique_ptr<Kernel> make_softmax_cross_entropy(const StepMeta& step);
std::unique_ptr<Kernel> make_softmax_cross_entropy_backward(const StepMeta& step);

// layer_norm.cu
std::unique_ptr<Kernel> make_layer_norm(const StepMeta& step);
std::unique_ptr<Kernel> make_layer_norm_backward(const StepMeta& step);

// update.cu
std::unique_ptr<Kernel> make_update(const StepMeta& step);

}  // namespace halfspace::cuda
