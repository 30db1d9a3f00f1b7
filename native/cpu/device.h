// The CPU device: host memory, OpenMP, the kernels of registry.cpp.
#pragma once

#include <memory>

#include "../device.h"

namespace halfspace::cpu {

// Throws ErrorCode::Unsupported for any precision but fp32.
std::unique_ptr<Device> open(const DeviceOptions& options);

}  // namespace halfspace::cpu
