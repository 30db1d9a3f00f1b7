// The table of the kernels of this width.
#include "kernels.h"

#include "../blocked_kernels.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

const BlockedKernels& blocked_kernels() {
  static const KernelEntry table[] = {
      {"batch_norm", make_batch_norm},
      {"batch_norm_inference", make_batch_norm_inference},
      {"batch_norm_backward", make_batch_norm_backward},
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
  };
  static const BlockedKernels kernels{table, make_depthwise, make_depthwise_backward_data,
                                      make_depthwise_backward_weights};
  return kernels;
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
