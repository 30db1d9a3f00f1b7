#include "access.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "block.h"
#include "memory.h"

namespace halfspace::emulated {

Running running;

namespace {

const char* word_for(Access access) { return access == Access::Read ? "reads" : "writes"; }

bool on_running_device(size_t offset, size_t bytes) {
  size_t start = running.device * kDeviceRange;
  return offset >= start && offset + bytes <= start + kDeviceRange;
}

bool all_at_least(ByteState least, size_t offset, size_t bytes) {
  const ByteState* states = shadow.states + offset;
  return std::all_of(states, states + bytes, [&](ByteState state) { return state >= least; });
}

ByteState least_state(Access access) {
  return access == Access::Read ? ByteState::Written : ByteState::Unwritten;
}

// Whether the earlier touch of a word surely came before the running thread's.
bool is_ordered(Stamp earlier) {
  if (earlier.operation != running.operation) return running.before->has_seen(earlier.operation);
  return earlier.thread == running.thread || threads_are_ordered(earlier.thread);
}

// Reads by several threads leave one stamp: the block's, as one of its threads, or kSeveralBlocks.
uint32_t merged_reader(Stamp earlier) {
  if (earlier.operation != running.operation || earlier.thread == running.thread) return running.thread;
  return same_block(earlier.thread) ? earlier.thread : kSeveralBlocks;
}

bool touch_word(Access access, size_t word) {
  Stamp& writer = shadow.writers[word];
  Stamp& reader = shadow.readers[word];
  if (!is_ordered(writer)) return false;
  if (access == Access::Read) {
    reader = {running.operation, merged_reader(reader)};
    return true;
  }
  if (!is_ordered(reader)) return false;
  writer = {running.operation, running.thread};
  return true;
}

// Loads and stores of a power of two need that alignment; others come in pieces on a GPU.
bool is_aligned(const void* address, size_t bytes) {
  return !std::has_single_bit(bytes) || reinterpret_cast<uintptr_t>(address) % bytes == 0;
}

std::string why_not(Access access, const void* address, size_t bytes) {
  if (!shadow.covers(address)) return "not memory of a device";
  size_t offset = shadow.offset(address);
  if (!on_running_device(offset, bytes)) return "memory of another device";
  if (!all_at_least(ByteState::Unwritten, offset, bytes)) return "out of bounds or freed";
  if (!all_at_least(least_state(access), offset, bytes)) return "never written";
  if (!is_aligned(address, bytes)) return "misaligned";
  return {};
}

std::string race_text(Stamp stamp, const char* did) {
  if (stamp.operation != running.operation) {
    return text_of("another stream's work ", did, " it, and nothing orders the two");
  }
  return text_of("another thread of the same launch ", did, " it, and no barrier orders the two");
}

std::string why_unordered(const void* address, size_t bytes) {
  size_t first = shadow.offset(address) / kWord;
  size_t last = (shadow.offset(address) + bytes - 1) / kWord;
  for (size_t word = first; word <= last; ++word) {
    if (!is_ordered(shadow.writers[word])) return race_text(shadow.writers[word], "wrote");
    if (!is_ordered(shadow.readers[word])) return race_text(shadow.readers[word], "read");
  }
  return "unordered";
}

cudaError_t code_for(const std::string& reason) {
  if (reason == "misaligned") return cudaErrorMisalignedAddress;
  if (reason == "never written") return cudaErrorLaunchFailure;
  return cudaErrorIllegalAddress;
}

// On its own, because nothing in the frame that leaves the kernel is destroyed.
void report_access(Access access, const void* address, size_t bytes, const void* code) {
  std::string reason = why_not(access, address, bytes);
  cudaError_t error = reason.empty() ? cudaErrorLaunchFailure : code_for(reason);
  if (reason.empty()) reason = why_unordered(address, bytes);
  report(error, text_of(describe_thread(code), " ", word_for(access), " ", bytes, " bytes at ",
                        describe_address(address), ": ", reason));
}

[[noreturn]] void fail_range(Access access, const void* address, size_t bytes,
                             const std::string& what, const std::string& reason) {
  report(reason == "never written" ? cudaErrorLaunchFailure : cudaErrorIllegalAddress,
         text_of(what, " ", word_for(access), " ", bytes, " bytes at ", describe_address(address),
                 ": ", reason));
  throw Failure{finding_code()};
}

// The first byte of the range that lacks the state.
size_t first_below(ByteState least, const void* address, size_t bytes) {
  const ByteState* states = shadow.states + shadow.offset(address);
  return static_cast<size_t>(
      std::find_if(states, states + bytes, [&](ByteState state) { return state < least; }) -
      states);
}

void check_states(Access access, ByteState least, const void* address, size_t bytes,
                  const std::string& what) {
  const auto* start = static_cast<const std::byte*>(address);
  if (!shadow.covers(address)) fail_range(access, address, bytes, what, "not memory of a device");
  if (!on_running_device(shadow.offset(address), bytes)) {
    fail_range(access, address, bytes, what, "memory of another device");
  }
  size_t outside = first_below(ByteState::Unwritten, address, bytes);
  if (outside < bytes) {
    fail_range(access, start + outside, bytes - outside, what, "out of bounds or freed");
  }
  size_t short_of = first_below(least, address, bytes);
  if (short_of < bytes) fail_range(access, start + short_of, bytes - short_of, what, "never written");
}

void order_range(Access access, const void* address, size_t bytes, const std::string& what) {
  size_t first = shadow.offset(address) / kWord;
  size_t last = (shadow.offset(address) + bytes - 1) / kWord;
  for (size_t word = first; word <= last; ++word) {
    if (touch_word(access, word)) continue;
    const void* at = shadow.arena + word * kWord;
    fail_range(access, at, kWord, what, why_unordered(at, kWord));
  }
}

}  // namespace

bool touch(Access access, const void* address, size_t bytes) {
  size_t offset = shadow.offset(address);
  if (!on_running_device(offset, bytes)) return false;
  if (!is_aligned(address, bytes)) return false;
  if (!all_at_least(least_state(access), offset, bytes)) return false;
  size_t first = offset / kWord, last = (offset + bytes - 1) / kWord;
  for (size_t word = first; word <= last; ++word) {
    if (!touch_word(access, word)) return false;
  }
  if (access == Access::Write) {
    std::memset(shadow.states + offset, static_cast<int>(ByteState::Written), bytes);
  }
  return true;
}

void bad_access(Access access, const void* address, size_t bytes, const void* code) {
  report_access(access, address, bytes, code);
  leave_kernel();
}

bool is_written(const void* address, size_t bytes) {
  return all_at_least(ByteState::Written, shadow.offset(address), bytes);
}

void touch_range(Access access, const void* address, size_t bytes, const std::string& what) {
  if (bytes == 0) return;
  check_states(access, least_state(access), address, bytes, what);
  order_range(access, address, bytes, what);
  if (access == Access::Write) {
    std::memset(shadow.states + shadow.offset(address), static_cast<int>(ByteState::Written), bytes);
  }
}

void copy_states(void* to, const void* from, size_t bytes, const std::string& what) {
  if (bytes == 0) return;
  check_states(Access::Read, ByteState::Unwritten, from, bytes, what);
  check_states(Access::Write, ByteState::Unwritten, to, bytes, what);
  order_range(Access::Read, from, bytes, what);
  order_range(Access::Write, to, bytes, what);
  std::memmove(shadow.states + shadow.offset(to), shadow.states + shadow.offset(from), bytes);
}

}  // namespace halfspace::emulated
