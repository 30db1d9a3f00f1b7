// The one door to CUDA. CMake chooses what stands behind it: the engine, or the stub of no_cuda.
#pragma once

#include <memory>
#include <string>

#include "device.h"

namespace halfspace::cuda {

// `cuda` or `cuda:1`; throws ErrorCode::Unsupported where this build or machine has no such device.
std::unique_ptr<Device> open(const std::string& name);

}  // namespace halfspace::cuda
