// Every kernel of the CPU device, one factory a kernel name; registry.cpp is the table over them.
// A factory checks its step and throws ErrorCode::Shape where it does not fit.
#pragma once

#include "../device.h"

namespace halfspace::cpu {

// convolution.cpp, with our own kernels of depthwise.cpp where oneDNN has only a reference
std::unique_ptr<Kernel> make_convolution(const StepMeta& step);
std::unique_ptr<Kernel> make_convolution_backward_data(const StepMeta& step);
std::unique_ptr<Kernel> make_convolution_backward_weights(const StepMeta& step);
Wanted convolution_layout(const StepMeta& step, Operand operand);

// linear.cpp
std::unique_ptr<Kernel> make_linear(const StepMeta& step);
std::unique_ptr<Kernel> make_linear_backward_data(const StepMeta& step);
std::unique_ptr<Kernel> make_linear_backward_weights(const StepMeta& step);

// reorder.cpp: `reorder` changes the layout alone, `reshape` the shape too
std::unique_ptr<Kernel> make_reorder(const StepMeta& step);
std::unique_ptr<Kernel> make_reshape(const StepMeta& step);
bool reshape_is_alias(const StepMeta& step);

}  // namespace halfspace::cpu
