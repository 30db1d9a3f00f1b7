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

// As many blocks along the first axis of a grid; more than there can be is an error, not less work.
inline unsigned block_count(int64_t blocks) {
  constexpr int64_t kMost = 0x7fffffff;
  check(blocks >= 0 && blocks <= kMost, ErrorCode::Unsupported, "a kernel would need ", blocks,
        " blocks of threads and CUDA starts at most ", kMost, "; a smaller batch needs fewer");
  return static_cast<unsigned>(blocks);
}

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
