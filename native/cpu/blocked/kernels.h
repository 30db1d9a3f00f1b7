// Kernels for images in blocks of one width, one factory a kernel name; registry.cpp is the table over
// them. A factory checks its step and throws ErrorCode::Shape where it does not fit.
#pragma once

#include "../blocked_convolution.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

// batch_norm.cpp
std::unique_ptr<Kernel> make_batch_norm(const StepMeta& step);
std::unique_ptr<Kernel> make_batch_norm_inference(const StepMeta& step);
std::unique_ptr<Kernel> make_batch_norm_backward(const StepMeta& step);

// batch_norm_stages.cpp
Stages batch_norm_stages(const StepMeta& step);
Stages batch_norm_backward_stages(const StepMeta& step);
std::unique_ptr<Kernel> make_batch_norm_moments(const StepMeta& step);
std::unique_ptr<Kernel> make_batch_norm_statistics(const StepMeta& step);
std::unique_ptr<Kernel> make_batch_norm_apply(const StepMeta& step);
std::unique_ptr<Kernel> make_batch_norm_backward_parameters(const StepMeta& step);
std::unique_ptr<Kernel> make_batch_norm_backward_image(const StepMeta& step);

// normalized_sum.cpp
std::optional<Absorbed> absorb_batch_norm(const StepMeta& sum, size_t term, const StepMeta& producer);
std::unique_ptr<Kernel> make_normalized_sum(const StepMeta& step);

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

// depthwise.cpp, pointwise.cpp and winograd.cpp; not by name, a convolution picks them
std::unique_ptr<Kernel> make_depthwise(const BlockedConvolution& convolution);
std::unique_ptr<Kernel> make_depthwise_backward_data(const BlockedConvolution& convolution);
std::unique_ptr<Kernel> make_depthwise_backward_weights(const BlockedConvolution& convolution);
std::unique_ptr<Kernel> make_pointwise_backward_weights(const BlockedConvolution& convolution);
std::unique_ptr<Kernel> make_winograd(const BlockedConvolution& convolution);
std::unique_ptr<Kernel> make_winograd_backward_data(const BlockedConvolution& convolution);
std::unique_ptr<Kernel> make_winograd_backward_weights(const BlockedConvolution& convolution);

}  // namespace halfspace::cpu::HALFSPACE_WIDE
