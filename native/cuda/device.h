// The CUDA device: one context, the memory that belongs to it, and the kernels of registry.cpp.
#pragma once

#include <memory>

#include "context.h"

namespace halfspace::cuda {

// The device of that ordinal, which exists and is supported.
std::unique_ptr<Device> open_device(int ordinal, const DeviceOptions& options);

}  // namespace halfspace::cuda
