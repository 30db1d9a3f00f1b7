// What a source with kernels includes: the runtime's host side, launching, and the device side.
#pragma once

#include <functional>

#include "cuda_runtime_api.h"
#include "emulated_kernel.h"

namespace halfspace::emulated {

// Queues one call of `thread` for every thread of the grid. `kernel` names it in findings.
cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel,
                   std::function<void()> thread);

}  // namespace halfspace::emulated

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  return halfspace::emulated::launch(
      *config, reinterpret_cast<const void*>(kernel),
      [kernel, ... values = static_cast<Parameters>(arguments)] { kernel(values...); });
}
