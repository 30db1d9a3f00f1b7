// The CPU device's kernels by name.
#pragma once

#include <string>

#include "../device.h"

namespace halfspace::cpu {

// The kernel for images in blocks of `block` channels, 8 or 16; null where there is none.
const KernelEntry* find_kernel(const std::string& kernel, int64_t block);

}  // namespace halfspace::cpu
