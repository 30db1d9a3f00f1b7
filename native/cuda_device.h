// The one door to CUDA. The engine is a shared object of its own, halfspace_cuda.so, which is loaded
// when a CUDA device is first asked for; so one addon serves machines with and without one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device.h"

namespace halfspace::cuda {

// `cuda` or `cuda:1`; throws ErrorCode::Unsupported where this machine has no such device, saying
// what to do.
std::unique_ptr<Device> open(const std::string& name, const DeviceOptions& options);

// One device of this machine, or what keeps CUDA from being used.
struct DeviceReport {
  std::string name;  // as programs name it
  bool available;
  std::string description;
};

// All devices, or one report that says why there are none. Does not throw.
std::vector<DeviceReport> devices();

}  // namespace halfspace::cuda
