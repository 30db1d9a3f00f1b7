// The one way to start a kernel of ours, and how large to start it. `<<<>>>` is not used, so that every
// source here is plain C++ to a host compiler.
#pragma once

#include <algorithm>
#include <utility>

#include "check.h"

namespace halfspace::cuda {

// Threads of a block where a kernel has no reason for another number.
inline constexpr int kThreads = 256;
// Blocks beyond this many a multiprocessor only wait; grid-stride loops need no more.
inline constexpr int kBlocksPerMultiprocessor = 8;

struct Grid {
  dim3 blocks;
  dim3 threads = dim3(kThreads);
  size_t shared_bytes = 0;
};

// Starts `kernel` on `stream`; arguments are converted to the types of its parameters.
template <class... Parameters, class... Arguments>
void launch(cudaStream_t stream, const Grid& grid, void (*kernel)(Parameters...),
            Arguments&&... arguments) {
  cudaLaunchConfig_t config = {};
  config.gridDim = grid.blocks;
  config.blockDim = grid.threads;
  config.dynamicSmemBytes = grid.shared_bytes;
  config.stream = stream;
  HALFSPACE_CUDA(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...));
}

}  // namespace halfspace::cuda
