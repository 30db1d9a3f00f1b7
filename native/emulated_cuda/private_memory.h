// The memory that every thread of a kernel may touch unchecked: stacks of the fibers and the values that
// warps exchange. One range, so that the check of an access tells it by one subtraction.
#pragma once

#include <cstddef>

#include "include/emulated_kernel.h"

namespace halfspace::emulated {

inline constexpr size_t kMaxThreads = 1024;
inline constexpr size_t kWarpSize = 32;
inline constexpr size_t kWarps = kMaxThreads / kWarpSize;
inline constexpr size_t kStackBytes = size_t{128} << 10;
inline constexpr size_t kExchangeRange = kWarps * kWarpSize * kExchangeBytes;
inline constexpr size_t kPrivateRange = kExchangeRange + kMaxThreads * kStackBytes;

// Null until first used.
extern std::byte* private_memory;

void reserve_private_memory();

inline bool is_private(const void* address) {
  return static_cast<size_t>(static_cast<const std::byte*>(address) - private_memory) <
         kPrivateRange;
}
// Where lane `lane` of warp `warp` finds the values of its warp.
inline std::byte* exchanged(size_t warp) {
  return private_memory + warp * kWarpSize * kExchangeBytes;
}
inline std::byte* stack(size_t index) {
  return private_memory + kExchangeRange + index * kStackBytes;
}

}  // namespace halfspace::emulated
