// What no capture may overlap with, in whatever thread and session: whoever opens a device, frees memory or
// searches for algorithms waits for the whole device, which is forbidden while one of its streams is captured.
#pragma once

#include <mutex>

namespace halfspace::cuda {

using GateLock = std::lock_guard<std::mutex>;

inline std::mutex& capture_gate() {
  static std::mutex one;
  return one;
}

}  // namespace halfspace::cuda
