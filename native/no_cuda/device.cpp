// Stands in for the CUDA engine in builds without it, so that the core needs no #ifdef.
#include "../cuda_device.h"

namespace halfspace::cuda {

std::unique_ptr<Device> open(const std::string& name) {
  fail(ErrorCode::Unsupported, "device '", name, "': this build has no CUDA engine, only cpu");
}

}  // namespace halfspace::cuda
