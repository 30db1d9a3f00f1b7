// What the folder `blocked` gives for each width of a channel block.
#pragma once

#include <span>

#include "blocked_convolution.h"

namespace halfspace::cpu {

using ConvolutionFactory = std::unique_ptr<Kernel> (*)(const BlockedConvolution& convolution);

// One way to convolve, in its three directions.
struct ConvolutionKernels {
  ConvolutionFactory forward, backward_data, backward_weights;
};

struct BlockedKernels {
  std::span<const KernelEntry> table;
  ConvolutionKernels depthwise, winograd;
  ConvolutionFactory pointwise_backward_weights;
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
