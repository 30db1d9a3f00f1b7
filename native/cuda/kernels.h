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

// cudnn_pool.cpp
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

}  // namespace halfspace::cuda
