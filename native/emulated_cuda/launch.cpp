// Launches: what a configuration may ask for, and the work it becomes.
#include <utility>

#include "access.h"
#include "block.h"
#include "cuda_runtime.h"
#include "failure.h"
#include "options.h"
#include "private_memory.h"
#include "shared_memory.h"
#include "stream.h"

namespace halfspace::emulated {
namespace {

constexpr unsigned kMaxGridY = 65535;

bool is_between(unsigned value, unsigned most) { return value >= 1 && value <= most; }

void check_config(const cudaLaunchConfig_t& config) {
  const dim3 blocks = config.gridDim, threads = config.blockDim;
  bool fits = is_between(blocks.x, 0x7fffffff) && is_between(blocks.y, kMaxGridY) &&
              is_between(blocks.z, kMaxGridY) && is_between(threads.x, kMaxThreads) &&
              is_between(threads.y, kMaxThreads) && is_between(threads.z, 64) &&
              size_t{threads.x} * threads.y * threads.z <= kMaxThreads;
  require(fits, cudaErrorInvalidConfiguration);
  // There is no `extern __shared__` here, so nothing could use it.
  require(config.dynamicSmemBytes == 0 && config.numAttrs == 0, cudaErrorInvalidConfiguration);
}

// The first of the process, where that fault is planted.
bool is_forgotten() {
  static bool first = true;
  return std::exchange(first, false) && options().forget == Forgotten::FirstKernel;
}

}  // namespace

cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel,
                   std::function<void()> thread) {
  return call([&] {
    check_config(config);
    if (is_forgotten()) return;
    const Grid grid{config.gridDim, config.blockDim, kernel};
    enqueue(stream_of(config.stream),
            {.name = "kernel", .run = [grid, thread = std::move(thread)] {
               select_shared_memory(grid.kernel);
               run_grid(grid, thread);
             }});
  });
}

}  // namespace halfspace::emulated
