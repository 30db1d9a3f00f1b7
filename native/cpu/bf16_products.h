// The kernels that multiply in bf16, for a CPU device of that precision.
#pragma once

#include <string>

#include "../device.h"

namespace halfspace::cpu {

// In place of the kernel of that name that multiplies floats; null where it multiplies nothing.
const KernelEntry* find_bf16_product(const std::string& kernel);

}  // namespace halfspace::cpu
