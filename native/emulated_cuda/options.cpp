#include "options.h"

#include <cstdio>
#include <cstdlib>

namespace halfspace::emulated {
namespace {

// A variable that is set but no number would silently test nothing, so it ends the process.
long number(const char* name, long fallback) {
  const char* text = std::getenv(name);
  if (!text) return fallback;
  char* end = nullptr;
  long value = std::strtol(text, &end, 10);
  if (*text && !*end && value >= 0) return value;
  std::fprintf(stderr, "%s: expected a number, got '%s'\n", name, text);
  std::exit(1);
}

Options from_environment() {
  Options read;
  read.devices = static_cast<int>(number("HALFSPACE_EMULATED_CUDA_DEVICES", read.devices));
  read.driver_version =
      static_cast<int>(number("HALFSPACE_EMULATED_CUDA_DRIVER", read.driver_version));
  read.runtime_version =
      static_cast<int>(number("HALFSPACE_EMULATED_CUDA_RUNTIME", read.runtime_version));
  read.cudnn_runtime = static_cast<int>(number("HALFSPACE_EMULATED_CUDA_CUDNN", read.cudnn_runtime));
  read.fault = static_cast<int>(number("HALFSPACE_EMULATED_CUDA_FAULT", read.fault));
  read.arch = static_cast<int>(number("HALFSPACE_EMULATED_CUDA_ARCH", read.arch));
  read.memory_bytes = static_cast<size_t>(number("HALFSPACE_EMULATED_CUDA_MEMORY", 8192)) << 20;
  read.pinned_bytes = static_cast<size_t>(number("HALFSPACE_EMULATED_CUDA_PINNED", 8192)) << 20;
  read.offer = static_cast<Offer>(number("HALFSPACE_EMULATED_CUDA_OFFER", 0));
  read.forget = static_cast<Forgotten>(number("HALFSPACE_EMULATED_CUDA_FORGET", 0));
  read.seed = static_cast<uint32_t>(number("HALFSPACE_EMULATED_CUDA_SEED", read.seed));
  return read;
}

}  // namespace

Options& options() {
  static Options all = from_environment();
  return all;
}

}  // namespace halfspace::emulated
