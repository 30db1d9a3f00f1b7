// Depthwise convolutions of our own, one filter a channel, of NHWC images, where neighbouring outputs share
// much of what they read. Operands are those of conv, conv_backward_data and conv_backward_weights.
#pragma once

#include "../semantics/convolution.h"

namespace halfspace::cuda {

// Whether the others take it: square filters of 3 and 5 with stride 1, dilated or not.
bool is_tiled(const ConvolutionShape& shape);

std::unique_ptr<Kernel> make_depthwise(const StepMeta& step, const ConvolutionShape& shape);
std::unique_ptr<Kernel> make_depthwise_backward_data(const StepMeta& step,
                                                     const ConvolutionShape& shape);
std::unique_ptr<Kernel> make_depthwise_backward_weights(const StepMeta& step,
                                                        const ConvolutionShape& shape);

}  // namespace halfspace::cuda
