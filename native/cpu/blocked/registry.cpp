// The table of the kernels of this width.
#include "kernels.h"

#include "../blocked_kernels.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

const BlockedKernels& blocked_kernels() {
  constexpr auto none = never_alias;
  static const KernelEntry table[] = {
      {"batch_norm", make_batch_norm, all_blocked, none, never_by_image, batch_norm_stages},
      {"batch_norm_inference", make_batch_norm_inference, all_blocked, none, always_by_image},
      {"batch_norm_backward", make_batch_norm_backward, all_blocked, none, never_by_image,
       batch_norm_backward_stages},
      {"batch_norm_moments", make_batch_norm_moments, all_blocked, none, always_by_image},
      {"batch_norm_statistics", make_batch_norm_statistics},
      {"batch_norm_apply", make_batch_norm_apply, all_blocked, none, always_by_image},
      {"batch_norm_backward_parameters", make_batch_norm_backward_parameters, all_blocked, none, always_by_image},
      {"batch_norm_backward_image", make_batch_norm_backward_image, all_blocked, none, always_by_image},
      {"normalized_sum", make_normalized_sum, all_blocked, none, always_by_image, nullptr, absorb_batch_norm},
      {"concat", make_concat, all_blocked, none, always_by_image},
      {"split", make_split, all_blocked, none, always_by_image},
      {"max_pool", make_max_pool, all_blocked, none, always_by_image},
      {"max_pool_backward", make_max_pool_backward, all_blocked, none, always_by_image},
      {"average_pool", make_average_pool, all_blocked, none, always_by_image},
      {"average_pool_backward", make_average_pool_backward, all_blocked, none, always_by_image},
      {"global_average_pool", make_global_average_pool},
      {"global_average_pool_backward", make_global_average_pool_backward},
      {"resize", make_resize, all_blocked, none, always_by_image},
      {"resize_backward", make_resize_backward, all_blocked, none, always_by_image},
  };
  static const BlockedKernels kernels{
      table,
      {make_depthwise, make_depthwise_backward_data, make_depthwise_backward_weights},
      {make_winograd, make_winograd_backward_data, make_winograd_backward_weights},
      make_pointwise_backward_weights};
  return kernels;
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
