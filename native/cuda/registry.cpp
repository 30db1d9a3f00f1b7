// The table of all kernels of the CUDA device: name, factory, layouts, aliasing. Nothing else.
#include "registry.h"

#include "../semantics/binary.h"
#include "../semantics/movement.h"
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
      {"matmul", make_matmul, all_plain},
      {"reorder", make_reorder, any_layout},
      {"reshape", make_reshape, any_layout, reshape_is_alias},
      {"batch_norm", make_batch_norm},
      {"batch_norm_inference", make_batch_norm_inference},
      {"batch_norm_backward", make_batch_norm_backward},
      {"unary", make_unary, all_either},
      {"unary_backward", make_unary_backward, all_either},
      {"sum", make_sum, all_either},
      {"concat", make_concat},
      {"split", make_split},
      {"max_pool", make_max_pool},
      {"max_pool_backward", make_max_pool_backward},
      {"average_pool", make_average_pool},
      {"average_pool_backward", make_average_pool_backward},
      {"global_average_pool", make_global_average_pool},
      {"global_average_pool_backward", make_global_average_pool_backward},
      {"resize", make_resize},
      {"resize_backward", make_resize_backward},
      {"softmax_cross_entropy", make_softmax_cross_entropy},
      {"softmax_cross_entropy_backward", make_softmax_cross_entropy_backward},
      {"slice", make_slice, window_layout},
      {"pad", make_pad, window_layout},
      {"transpose", make_transpose, all_plain},
      {"expand", make_expand, blocked_where_channels_agree},
      {"reduce", make_reduce, blocked_where_channels_agree},
      {"dot", make_dot, all_either},
      {"binary", make_binary, binary_layout},
      {"softmax", make_softmax, all_plain},
      {"softmax_backward", make_softmax_backward, all_plain},
      {"layer_norm", make_layer_norm, all_plain},
      {"layer_norm_backward", make_layer_norm_backward, all_plain},
      {"update", make_update},
  };
  return table;
}

}  // namespace halfspace::cuda
