// Devices: how many, of what kind, and which one a thread uses.
#include "device.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "chance.h"
#include "failure.h"
#include "memory.h"
#include "options.h"
#include "private_memory.h"
#include "shadow.h"
#include "stream.h"

namespace halfspace::emulated {
namespace {

thread_local int current = 0;

int device_count() { return std::min(options().devices, kMaxDevices); }

// Nothing but the version of the driver can be asked without this.
void require_driver() {
  require(options().driver_version > 0, cudaErrorInsufficientDriver);
  require(options().driver_version / 1000 >= options().runtime_version / 1000,
          cudaErrorInsufficientDriver);
  require(device_count() > 0, cudaErrorNoDevice);
}

// Few multiprocessors, so that kernels which fill the device start few threads.
cudaDeviceProp properties_of(int device) {
  cudaDeviceProp all = {};
  std::snprintf(all.name, sizeof(all.name), "Emulated GPU %d", device);
  all.totalGlobalMem = options().memory_bytes;
  all.sharedMemPerBlock = 48 << 10;
  all.regsPerBlock = 1 << 16;
  all.warpSize = static_cast<int>(kWarpSize);
  all.maxThreadsPerBlock = static_cast<int>(kMaxThreads);
  std::copy_n(std::array{1024, 1024, 64}.data(), 3, all.maxThreadsDim);
  std::copy_n(std::array{0x7fffffff, 65535, 65535}.data(), 3, all.maxGridSize);
  all.major = options().arch / 10;
  all.minor = options().arch % 10;
  all.multiProcessorCount = 4;
  all.memoryBusWidth = 5120;
  all.l2CacheSize = 50 << 20;
  all.maxThreadsPerMultiProcessor = 2048;
  all.sharedMemPerMultiprocessor = 228 << 10;
  return all;
}

int attribute_of(const cudaDeviceProp& all, cudaDeviceAttr attribute) {
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      return all.multiProcessorCount;
    case cudaDevAttrComputeCapabilityMajor:
      return all.major;
    case cudaDevAttrComputeCapabilityMinor:
      return all.minor;
  }
  throw Failure{cudaErrorInvalidValue};
}

}  // namespace

int current_device() { return current; }

void require_device(int device) {
  require_driver();
  require(device >= 0 && device < device_count(), cudaErrorInvalidDevice);
}

}  // namespace halfspace::emulated

using namespace halfspace::emulated;

cudaError_t cudaDriverGetVersion(int* version) {
  return call([&] {
    require(version != nullptr);
    *version = options().driver_version;
  });
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  return call([&] {
    require(version != nullptr);
    *version = options().runtime_version;
  });
}

cudaError_t cudaGetDeviceCount(int* count) {
  return call([&] {
    require(count != nullptr);
    *count = 0;
    require_driver();
    require(options().fault == 0, static_cast<cudaError_t>(options().fault));
    *count = device_count();
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return call([&] {
    require(properties != nullptr);
    require_device(device);
    *properties = properties_of(device);
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return call([&] {
    require(value != nullptr);
    require_device(device);
    *value = attribute_of(properties_of(device), attribute);
  });
}

cudaError_t cudaSetDevice(int device) {
  return call([&] {
    require_device(device);
    current = device;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return call([&] {
    require(device != nullptr);
    require_driver();
    *device = current;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return call([] {
    require_device(current);
    drain_all();
  });
}

void halfspace::emulated::reset(const Options& chosen) {
  const std::lock_guard<std::recursive_mutex> inside(gate());
  reset_streams();
  reset_events();
  reset_graphs();
  release_all();
  forget_findings();
  options() = chosen;
  reset_chance();
}
