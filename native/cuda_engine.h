// What the shared object of the CUDA engine gives to the addon. C++ types cross between the two, so
// both must come from one build; `build` is compared before anything else is touched.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cuda_device.h"

namespace halfspace::cuda {

struct Engine {
  // Identifies sources and compiler.
  const char* build;
  // Behind the two functions of cuda_device.h.
  std::unique_ptr<Device> (*open)(const std::string& name, const DeviceOptions& options);
  std::vector<DeviceReport> (*devices)();
};

// Name and type of the one symbol that the shared object exports.
inline constexpr const char* kEngineSymbol = "halfspace_cuda_engine";
using EngineSymbol = const Engine* (*)();

}  // namespace halfspace::cuda
