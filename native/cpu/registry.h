// The CPU device's table of kernels.
#pragma once

#include <span>

#include "../device.h"

namespace halfspace::cpu {

std::span<const KernelEntry> kernels();

}  // namespace halfspace::cpu
