// What the folder `blocked` gives for each width of a channel block.
#pragma once

#include <span>

#include "depthwise.h"

namespace halfspace::cpu {

using DepthwiseFactory = std::unique_ptr<Kernel> (*)(const Depthwise& shape);

struct BlockedKernels {
  std::span<const KernelEntry> table;
  DepthwiseFactory depthwise, depthwise_backward_data, depthwise_backward_weights;
};

namespace wide8 {
const BlockedKernels& blocked_kernels();
}
namespace wide16 {
const BlockedKernels& blocked_kernels();
}

// For blocks of 8 or 16 channels.
inline const BlockedKernels& blocked_kernels(int64_t block) {
  return block == 8 ? wide8::blocked_kernels() : wide16::blocked_kernels();
}

}  // namespace halfspace::cpu
