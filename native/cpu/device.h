// The CPU device: host memory, OpenMP, the kernels of registry.cpp.
#pragma once

#include <memory>

#include "../device.h"

namespace halfspace::cpu {

// Throws ErrorCode::Unsupported for a precision other than fp32 that this processor has not.
std::unique_ptr<Device> open(const DeviceOptions& options);

}  // namespace halfspace::cpu
