// The kernels of the CUDA device.
#pragma once

#include <span>

#include "../device.h"

namespace halfspace::cuda {

std::span<const KernelEntry> kernels();

}  // namespace halfspace::cuda
