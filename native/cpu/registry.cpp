// The tables of all kernels of the CPU device: name, factory, layouts, aliasing. Nothing else.
#include "registry.h"

#include "../semantics/binary.h"
#include "../semantics/movement.h"
#include "blocked_kernels.h"
#include "kernels.h"

namespace halfspace::cpu {
namespace {

std::span<const KernelEntry> kernels_of_any_width() {
  constexpr auto none = never_alias;
  static const KernelEntry table[] = {
      {"conv", make_convolution, convolution_layout, none, convolution_by_image},
      {"conv_backward_data", make_convolution_backward_data, convolution_layout, none, convolution_by_image},
      {"conv_backward_weights", make_convolution_backward_weights, convolution_layout, none, convolution_by_image},
      {"linear", make_linear},
      {"linear_backward_data", make_linear_backward_data},
      {"linear_backward_weights", make_linear_backward_weights},
      {"reorder", make_reorder, any_layout},
      {"reshape", make_reshape, any_layout, reshape_is_alias},
      {"unary", make_unary, all_either, none, blocked_by_image},
      {"unary_backward", make_unary_backward, all_either, none, blocked_by_image},
      {"sum", make_sum, all_either, none, blocked_by_image, nullptr, absorb_into_sum},
      {"softmax_cross_entropy", make_softmax_cross_entropy},
      {"softmax_cross_entropy_backward", make_softmax_cross_entropy_backward},
      {"slice", make_slice, window_layout},
      {"pad", make_pad, window_layout},
      {"transpose", make_transpose, all_plain},
      {"expand", make_expand, blocked_where_channels_agree},
      {"reduce", make_reduce, blocked_where_channels_agree},
      {"dot", make_dot, all_either},
      {"binary", make_binary, binary_layout},
      {"matmul", make_matmul, all_plain},
      {"softmax", make_softmax, all_plain},
      {"softmax_backward", make_softmax_backward, all_plain},
      {"layer_norm", make_layer_norm, all_plain},
      {"layer_norm_backward", make_layer_norm_backward, all_plain},
      {"update", make_update},
  };
  return table;
}

const KernelEntry* find_in(std::span<const KernelEntry> table, const std::string& kernel) {
  for (const KernelEntry& entry : table) {
    if (kernel == entry.name) return &entry;
  }
  return nullptr;
}

}  // namespace

const KernelEntry* find_kernel(const std::string& kernel, int64_t block) {
  const KernelEntry* found = find_in(kernels_of_any_width(), kernel);
  return found ? found : find_in(blocked_kernels(block).table, kernel);
}

}  // namespace halfspace::cpu
