// Convolutions of our own, in one group or many, whatever the window: for depthwise ones that nothing better
// takes, and for what cuDNN has no algorithm for that gives the same bits every time. Operands are those of
// conv, conv_backward_data and conv_backward_weights. Plain loops without tensor cores, so slower than cuDNN
// where that has one.
#pragma once

#include "../semantics/convolution.h"

namespace halfspace::cuda {

std::unique_ptr<Kernel> make_direct(const StepMeta& step, const ConvolutionShape& shape);
std::unique_ptr<Kernel> make_direct_backward_data(const StepMeta& step, const ConvolutionShape& shape);
std::unique_ptr<Kernel> make_direct_backward_weights(const StepMeta& step,
                                                     const ConvolutionShape& shape);

}  // namespace halfspace::cuda
