// The table of all kernels of the CUDA device: name, factory, layouts, aliasing. Nothing else.
#include "registry.h"

#include "kernels.h"

namespace halfspace::cuda {

std::span<const KernelEntry> kernels() {
  static const KernelEntry table[] = {
      {"conv", make_convolution, convolution_layout},
      {"conv_backward_data", make_convolution_backward_data, convolution_layout},
      {"conv_backward_weights", make_convolution_backward_weights, convolution_layout},
      {"linear", make_linear},
      {"linear_backward_data", make_linear_backward_data},
      {"linear_backward_weights", make_linear_backward_weights},
      {"max_pool", make_max_pool},
      {"max_pool_backward", make_max_pool_backward},
      {"average_pool", make_average_pool},
      {"average_pool_backward", make_average_pool_backward},
      {"matmul", make_matmul, all_plain},
  };
  return table;
}

}  // namespace halfspace::cuda
