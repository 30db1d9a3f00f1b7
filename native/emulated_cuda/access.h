// The checks that every touch of device memory passes: by a thread of a kernel (touch), or by a copy or a
// call of a library (touch_range). Both work for the operation that runs at the moment.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "failure.h"
#include "shadow.h"

namespace halfspace::emulated {

enum class Access { Read, Write };

// What runs at the moment. Plain values side by side, because every load and store reads them.
struct Running {
  // Of the device that the operation may touch; kNowhere outside of kernels.
  std::byte* memory = kNowhere;
  OperationId operation = 0;
  // The thread of the grid, numbered through all blocks; kNoThread outside of kernels.
  uint32_t thread = kNoThread;
  const Clock* before = nullptr;
  int device = 0;
};
extern Running running;

// Reports what is wrong with the access and ends the operation: leaves the kernel, or throws Failure.
[[noreturn]] void bad_access(Access access, const void* address, size_t bytes, const void* code);

// Whether the state and the order allow it; marks the words as touched.
bool touch(Access access, const void* address, size_t bytes);

template <size_t kBytes>
using ByteStates = std::array<ByteState, kBytes>;

template <size_t kBytes>
constexpr ByteStates<kBytes> all_bytes(ByteState state) {
  ByteStates<kBytes> all;
  all.fill(state);
  return all;
}

// The same for the common case alone, without a branch too many: false means that touch must decide.
template <Access kAccess, size_t kBytes>
bool touch_simply(const void* address) {
  size_t offset = static_cast<size_t>(static_cast<const std::byte*>(address) - running.memory);
  if (offset >= kDeviceRange || offset % kBytes != 0) return false;
  const ByteState* states = shadow.states + shadow.offset(address);
  Stamp* writers = shadow.writers + shadow.offset(address) / kWord;
  Stamp* readers = shadow.readers + shadow.offset(address) / kWord;
  constexpr ByteStates<kBytes> kAllWritten = all_bytes<kBytes>(ByteState::Written);
  if (std::memcmp(states, &kAllWritten, kBytes) != 0) return false;
  const Stamp self{running.operation, running.thread};
  for (size_t word = 0; word < (kBytes + kWord - 1) / kWord; ++word) {
    Stamp writer = writers[word], reader = readers[word];
    if (writer != self && !running.before->has_seen(writer.operation)) return false;
    if (kAccess == Access::Read && reader.operation == self.operation && reader != self) return false;
    if (kAccess == Access::Write && reader != self && !running.before->has_seen(reader.operation)) {
      return false;
    }
  }
  std::fill_n(kAccess == Access::Read ? readers : writers, (kBytes + kWord - 1) / kWord, self);
  return true;
}

bool is_written(const void* address, size_t bytes);

// `what` names the operand in the message: "cudnnConvolutionForward: x".
void touch_range(Access access, const void* address, size_t bytes, const std::string& what);

// Copies what is known of the source's bytes: a copy of bytes that were never written is allowed between
// device addresses, and stays unwritten.
void copy_states(void* to, const void* from, size_t bytes, const std::string& what);

}  // namespace halfspace::emulated
