// Which operation comes before which. Operations are numbered as they run; a clock holds, for every
// stream, the last operation that is known to be over. What streams, events and waits of the host put in
// order shows in the clocks; what merely happened to run earlier does not.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace halfspace::emulated {

// Streams that exist at one time, with the branches of running graphs.
inline constexpr uint32_t kStreamBits = 6;
inline constexpr uint32_t kStreams = 1u << kStreamBits;

// A running number and, in the low bits, the stream that the operation ran in; 0 is none.
using OperationId = uint32_t;

constexpr OperationId operation_id(uint32_t number, uint32_t stream) {
  return number << kStreamBits | stream;
}

struct Clock {
  std::array<uint32_t, kStreams> last{};

  void join(const Clock& other) {
    for (uint32_t stream = 0; stream < kStreams; ++stream) {
      last[stream] = std::max(last[stream], other.last[stream]);
    }
  }
  // Whether the operation is over at this time.
  bool has_seen(OperationId operation) const {
    return operation >> kStreamBits <= last[operation & (kStreams - 1)];
  }
};

}  // namespace halfspace::emulated
