// Kernels for images in blocks of one width, one factory a kernel name; registry.cpp is the table over
// them. A factory checks its step and throws ErrorCode::Shape where it does not fit.
#pragma once

#include "../depthwise.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

// batch_norm.cpp
std::unique_ptr<Kernel> make_batch_norm(const StepMeta& step);
std::unique_ptr<Kernel> make_batch_norm_inference(const StepMeta& step);
std::unique_ptr<Kernel> make_batch_norm_backward(const StepMeta& step);

// concat.cpp
std::unique_ptr<Kernel> make_concat(const StepMeta& step);
std::unique_ptr<Kernel> make_split(const StepMeta& step);

// pool.cpp
std::unique_ptr<Kernel> make_max_pool(const StepMeta& step);
std::unique_ptr<Kernel> make_max_pool_backward(const StepMeta& step);
std::unique_ptr<Kernel> make_average_pool(const StepMeta& step);
std::unique_ptr<Kernel> make_average_pool_backward(const StepMeta& step);

// global_pool.cpp
std::unique_ptr<Kernel> make_global_average_pool(const StepMeta& step);
std::unique_ptr<Kernel> make_global_average_pool_backward(const StepMeta& step);

// resize.cpp
std::unique_ptr<Kernel> make_resize(const StepMeta& step);
std::unique_ptr<Kernel> make_resize_backward(const StepMeta& step);

// depthwise.cpp; not by name, a convolution picks them
std::unique_ptr<Kernel> make_depthwise(const Depthwise& shape);
std::unique_ptr<Kernel> make_depthwise_backward_data(const Depthwise& shape);
std::unique_ptr<Kernel> make_depthwise_backward_weights(const Depthwise& shape);

}  // namespace halfspace::cpu::HALFSPACE_WIDE
