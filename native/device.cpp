#include "device.h"

#include "cpu/device.h"
#include "cuda_device.h"

namespace halfspace {

std::unique_ptr<Device> open_device(const std::string& name, const DeviceOptions& options) {
  if (name == "cpu") return cpu::open(options);
  if (name.rfind("cuda", 0) == 0) return cuda::open(name, options);
  fail(ErrorCode::Unsupported, "there is no device '", name, "'; known are cpu and cuda");
}

}  // namespace halfspace
