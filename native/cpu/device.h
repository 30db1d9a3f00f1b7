// The CPU device: host memory, OpenMP, the kernels of registry.cpp.
#pragma once

#include <memory>

#include "../device.h"

namespace halfspace::cpu {

std::unique_ptr<Device> open();

}  // namespace halfspace::cpu
