// Depthwise convolutions of our own, one filter a channel, of NHWC images. Operands are those of
// conv, conv_backward_data and conv_backward_weights; the shape must be is_depthwise().
#pragma once

#include "../semantics/convolution.h"

namespace halfspace::cuda {

std::unique_ptr<Kernel> make_depthwise(const StepMeta& step, const ConvolutionShape& shape);
std::unique_ptr<Kernel> make_depthwise_backward_data(const StepMeta& step,
                                                     const ConvolutionShape& shape);
std::unique_ptr<Kernel> make_depthwise_backward_weights(const StepMeta& step,
                                                        const ConvolutionShape& shape);

}  // namespace halfspace::cuda
