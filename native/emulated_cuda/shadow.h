// What is known of every byte of device memory: whether it may be touched, whether it was ever written,
// and who touched its word last. The memory of all devices is one reserved range of addresses, so that
// one subtraction tells a device address and finds its shadow.
#pragma once

#include <cstddef>
#include <cstdint>

#include "clock.h"

namespace halfspace::emulated {

inline constexpr int kMaxDevices = 4;
// Addresses are never given out twice, so that use after freeing is seen; a process opens thousands of sessions.
inline constexpr size_t kDeviceRange = size_t{64} << 30;
inline constexpr size_t kArenaRange = kDeviceRange * kMaxDevices;
// Order is kept for words of this size: the smallest element that two operations share a neighbour of.
inline constexpr size_t kWord = 2;

enum class ByteState : uint8_t { Outside = 0, Unwritten = 1, Written = 2 };

// A touch of one word: by which operation, and by which thread of its grid.
struct Stamp {
  OperationId operation;
  uint32_t thread;
  bool operator==(const Stamp&) const = default;
};
// A copy or a call of a library, which counts as one thread.
inline constexpr uint32_t kNoThread = 0xffffffffu;
// Threads of several blocks, which no barrier orders.
inline constexpr uint32_t kSeveralBlocks = 0xfffffffeu;

// No user address lies this high, so that an arena there covers nothing.
inline std::byte* const kNowhere = reinterpret_cast<std::byte*>(UINTPTR_MAX - kArenaRange);

struct Shadow {
  std::byte* arena = kNowhere;
  ByteState* states = nullptr;
  Stamp* writers = nullptr;
  Stamp* readers = nullptr;

  bool covers(const void* address) const {
    return static_cast<size_t>(static_cast<const std::byte*>(address) - arena) < kArenaRange;
  }
  size_t offset(const void* address) const {
    return static_cast<size_t>(static_cast<const std::byte*>(address) - arena);
  }
};

// Reserved at the first use of memory; covers nothing before.
extern Shadow shadow;

}  // namespace halfspace::emulated
