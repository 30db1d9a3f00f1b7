// The door of the shared object: its one exported symbol, and the checks that come before a device is
// opened, each with what to do about it.
#include "../cuda_engine.h"

#include "device.h"

namespace halfspace::cuda {
namespace {

// There is machine code for these generations; later ones translate the PTX of the last.
constexpr int kLowestMajor = 8;
constexpr int kLastMajor = 9;
// The first driver for the runtime that this is built with.
constexpr const char* kDriver = "580";

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// Of CUDA: what the driver supports and what this is built with.
struct Versions {
  int driver = 0, runtime = 0;
};

Versions versions() {
  Versions found;
  HALFSPACE_CUDA(cudaDriverGetVersion(&found.driver));
  HALFSPACE_CUDA(cudaRuntimeGetVersion(&found.runtime));
  return found;
}

// cuDNN for an older CUDA has the same name.
void check_cudnn(int runtime) {
  const int cudnn = static_cast<int>(cudnnGetCudartVersion()), major = runtime / 1000;
  check(cudnn / 1000 == major, ErrorCode::Unsupported, "the cuDNN that was found is for CUDA ",
        version_text(cudnn), ", this build needs the one for CUDA ", major, ": libcudnn9-cuda-", major,
        " or nvidia-cudnn-cu", major, ", its folder before others in LD_LIBRARY_PATH");
}

// Throws where no device can be used at all, for the first reason that applies.
int count_devices() {
  const auto [driver, runtime] = versions();
  int count = 0;
  check(driver > 0, ErrorCode::Unsupported, "there is no NVIDIA driver; install version ", kDriver,
        " or later");
  check(driver / 1000 >= runtime / 1000, ErrorCode::Unsupported,
        "the NVIDIA driver is too old: it supports CUDA ", version_text(driver),
        ", this build needs ", version_text(runtime), "; install version ", kDriver, " or later");
  cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaErrorNoDevice) check_call(status, cudaSuccess, "cudaGetDeviceCount");
  check(count > 0, ErrorCode::Unsupported,
        "there is a driver but no NVIDIA GPU that it may use; see nvidia-smi and "
        "CUDA_VISIBLE_DEVICES");
  check_cudnn(runtime);
  return count;
}

cudaDeviceProp properties(int ordinal) {
  cudaDeviceProp found;
  HALFSPACE_CUDA(cudaGetDeviceProperties(&found, ordinal));
  return found;
}

// Why this build cannot use the device; empty where it can.
std::string obstacle(const cudaDeviceProp& device) {
  if (device.major < kLowestMajor) {
    return std::to_string(kLowestMajor) +
           ".0 is the lowest; train on another GPU or with --device cpu";
  }
  const auto [driver, runtime] = versions();
  if (device.major > kLastMajor && driver < runtime) {
    return "its driver for CUDA " + version_text(driver) + " cannot translate code of CUDA " +
           version_text(runtime) + "; install a newer driver";
  }
  return "";
}

// `driver for CUDA 13.0, cuDNN 9.24.0`
std::string libraries_text() {
  const size_t cudnn = cudnnGetVersion();
  return "driver for CUDA " + version_text(versions().driver) + ", cuDNN " + std::to_string(cudnn / 10000) + "." +
         std::to_string(cudnn / 100 % 100) + "." + std::to_string(cudnn % 100);
}

std::string describe(const cudaDeviceProp& device) {
  std::string text = std::string(device.name) + ", " +
                     std::to_string(device.totalGlobalMem >> 20) + " MiB, compute capability " +
                     std::to_string(device.major) + "." + std::to_string(device.minor);
  const std::string why_not = obstacle(device);
  return text + (why_not.empty() ? ", " + libraries_text() : ", which is not supported: " + why_not);
}

// The number in `cuda:1`; 0 where there is none.
int ordinal_of(const std::string& name) {
  if (name == "cuda") return 0;
  std::string digits = name.substr(0, 5) == "cuda:" ? name.substr(5) : "";
  bool number = !digits.empty() && digits.size() < 4 &&
                digits.find_first_not_of("0123456789") == std::string::npos;
  check(number, ErrorCode::Unsupported, "expected cuda, cuda:0, cuda:1 and so on");
  return std::stoi(digits);
}

std::unique_ptr<Device> open_engine(const std::string& name, const DeviceOptions& options) {
  int ordinal = ordinal_of(name);
  int count = count_devices();
  check(ordinal < count, ErrorCode::Unsupported, "the last device is cuda:", count - 1);
  cudaDeviceProp device = properties(ordinal);
  check(obstacle(device).empty(), ErrorCode::Unsupported, describe(device));
  return open_device(ordinal, options);
}

std::vector<DeviceReport> list_devices() {
  std::vector<DeviceReport> reports;
  int count = count_devices();
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    cudaDeviceProp device = properties(ordinal);
    reports.push_back({"cuda:" + std::to_string(ordinal), obstacle(device).empty(), describe(device)});
  }
  return reports;
}

}  // namespace
}  // namespace halfspace::cuda

extern "C" __attribute__((visibility("default"))) const halfspace::cuda::Engine*
halfspace_cuda_engine() {
  using namespace halfspace::cuda;
  static const Engine engine = {HALFSPACE_BUILD, open_engine, list_devices};
  return &engine;
}
