#include <dlfcn.h>

#include <cstdlib>
#include <cstring>

#include "cuda_engine.h"

namespace halfspace::cuda {
namespace {

constexpr const char* kFile = "halfspace_cuda.so";
constexpr const char* kVariable = "HALFSPACE_CUDA_LIBRARY";
constexpr const char* kPackage = "`npm install @halfspace/linux-x64-gnu-cuda13`, on Linux x86-64";

std::string folder_of_this_library() {
  Dl_info info;
  check(dladdr(reinterpret_cast<void*>(&open), &info) != 0, ErrorCode::Internal,
        "internal: the addon does not know where it lies");
  std::string path = info.dli_fname;
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string library_path() {
  const char* named = std::getenv(kVariable);
  return named ? named : folder_of_this_library() + "/" + kFile;
}

bool has_driver() {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver) dlclose(driver);
  return driver != nullptr;
}

// The usual reasons, each with what helps. Libraries of 1 GB are no help where there is no driver.
std::string remedy(const std::string& reason) {
  if (reason.find("libcudnn") != std::string::npos ||
      reason.find("libcublas") != std::string::npos) {
    std::string libraries = "cuDNN 9 and cuBLAS for CUDA 13, or name their folder in LD_LIBRARY_PATH";
    if (has_driver()) return "install " + libraries;
    return "there is no NVIDIA driver either: install version 580 or later, then " + libraries;
  }
  return std::string("install the package with CUDA (") + kPackage +
         "), or build it in a checkout with `npm run build:cuda`, or name the file in " + kVariable;
}

// It stays loaded: its threads and the driver's must find their code until the process ends.
void* load(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library) return library;
  std::string reason = dlerror();
  fail(ErrorCode::Unsupported, "the CUDA engine cannot be loaded: ", reason, "; ", remedy(reason));
}

const Engine* find_engine() {
  std::string path = library_path();
  auto symbol = reinterpret_cast<EngineSymbol>(dlsym(load(path), kEngineSymbol));
  check(symbol != nullptr, ErrorCode::Unsupported, path, " is not the CUDA engine of halfspace");
  const Engine* engine = symbol();
  check(std::strcmp(engine->build, HALFSPACE_BUILD) == 0, ErrorCode::Unsupported, path,
        " was built from other sources (", engine->build, ") than the addon (", HALFSPACE_BUILD,
        "); build or install both together");
  return engine;
}

// Loaded once; a failure is found anew, since its reason may have gone.
const Engine& engine() {
  static const Engine* found = find_engine();
  return *found;
}

}  // namespace

std::unique_ptr<Device> open(const std::string& name, const DeviceOptions& options) {
  try {
    return engine().open(name, options);
  } catch (const Error& error) {
    fail(error.code(), "device '", name, "': ", error.what());
  }
}

std::vector<DeviceReport> devices() {
  try {
    return engine().devices();
  } catch (const Error& error) {
    return {{"cuda", false, error.what()}};
  }
}

}  // namespace halfspace::cuda
