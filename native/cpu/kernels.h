// Kernels of the CPU device that take blocks of any width or none, one factory a kernel name;
// registry.cpp is the table over them.
// A factory checks its step and throws ErrorCode::Shape where it does not fit. Those of products have them of
// floats, or of floats that are rounded to bf16 first; what they add up and write is floats always.
#pragma once

#include "../device.h"

namespace halfspace::cpu {

// convolution.cpp, which takes our own kernels of blocked/ for depthwise filters, for what minimal filtering suits and
// for gradients of pointwise filters, and oneDNN's for the rest
template <Precision kPrecision = Precision::Fp32>
std::unique_ptr<Kernel> make_convolution(const StepMeta& step);
template <Precision kPrecision = Precision::Fp32>
std::unique_ptr<Kernel> make_convolution_backward_data(const StepMeta& step);
template <Precision kPrecision = Precision::Fp32>
std::unique_ptr<Kernel> make_convolution_backward_weights(const StepMeta& step);
Wanted convolution_layout(const StepMeta& step, Operand operand);
// Not where an image is read plain, nor where minimal filtering would have too few tiles or takes a gradient of
// filters.
bool convolution_by_image(const StepMeta& step);
// A sum of two terms one of which is the image gradient of a depthwise convolution: it starts from the other.
std::optional<Absorbed> absorb_image_gradient(const StepMeta& sum, size_t term, const StepMeta& producer);

// linear.cpp
template <Precision kPrecision = Precision::Fp32>
std::unique_ptr<Kernel> make_linear(const StepMeta& step);
template <Precision kPrecision = Precision::Fp32>
std::unique_ptr<Kernel> make_linear_backward_data(const StepMeta& step);
template <Precision kPrecision = Precision::Fp32>
std::unique_ptr<Kernel> make_linear_backward_weights(const StepMeta& step);

// reorder.cpp: `reorder` changes the layout alone, `reshape` the shape too
std::unique_ptr<Kernel> make_reorder(const StepMeta& step);
std::unique_ptr<Kernel> make_reshape(const StepMeta& step);
bool reshape_is_alias(const StepMeta& step);

// unary.cpp
std::unique_ptr<Kernel> make_unary(const StepMeta& step);
std::unique_ptr<Kernel> make_unary_backward(const StepMeta& step);

// sum.cpp
std::unique_ptr<Kernel> make_sum(const StepMeta& step);
std::optional<Absorbed> absorb_into_sum(const StepMeta& step, size_t term, const StepMeta& producer);

// softmax_cross_entropy.cpp
std::unique_ptr<Kernel> make_softmax_cross_entropy(const StepMeta& step);
std::unique_ptr<Kernel> make_softmax_cross_entropy_backward(const StepMeta& step);

// movement.cpp
std::unique_ptr<Kernel> make_slice(const StepMeta& step);
std::unique_ptr<Kernel> make_pad(const StepMeta& step);
std::unique_ptr<Kernel> make_transpose(const StepMeta& step);
std::unique_ptr<Kernel> make_expand(const StepMeta& step);

// binary.cpp
std::unique_ptr<Kernel> make_binary(const StepMeta& step);

// reduce.cpp
std::unique_ptr<Kernel> make_reduce(const StepMeta& step);
std::unique_ptr<Kernel> make_dot(const StepMeta& step);

// matmul.cpp
template <Precision kPrecision = Precision::Fp32>
std::unique_ptr<Kernel> make_matmul(const StepMeta& step);

// softmax.cpp
std::unique_ptr<Kernel> make_softmax(const StepMeta& step);
std::unique_ptr<Kernel> make_softmax_backward(const StepMeta& step);

// layer_norm.cpp
std::unique_ptr<Kernel> make_layer_norm(const StepMeta& step);
std::unique_ptr<Kernel> make_layer_norm_backward(const StepMeta& step);

// half_space.cpp
std::unique_ptr<Kernel> make_update(const StepMeta& step);

}  // namespace halfspace::cpu
