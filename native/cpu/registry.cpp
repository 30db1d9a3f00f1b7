// The table of all kernels of the CPU device: name, factory, layouts, aliasing. Nothing else.
#include "registry.h"

#include "kernels.h"

namespace halfspace::cpu {

std::span<const KernelEntry> kernels() {
  static const KernelEntry table[] = {
      {"conv", make_convolution, convolution_layout},
      {"conv_backward_data", make_convolution_backward_data, convolution_layout},
      {"conv_backward_weights", make_convolution_backward_weights, convolution_layout},
      {"linear", make_linear},
      {"linear_backward_data", make_linear_backward_data},
      {"linear_backward_weights", make_linear_backward_weights},
      {"reorder", make_reorder, any_layout},
      {"reshape", make_reshape, any_layout, reshape_is_alias},
  };
  return table;
}

}  // namespace halfspace::cpu
