// Stores of whole cache lines that do not read these first and leave alone what the cache holds: for arrays of which
// some are larger than it. What fits is read back from memory as well, which for filters has not shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace halfspace::cpu {

// `to` and `from` are aligned to kAlignment, which is a line of the cache, and whole lines are written.
inline void write_past_cache(float* to, const float* from, int64_t count) {
#if defined(__SSE__)
  for (int64_t i = 0; i < count; i += 4) _mm_stream_ps(to + i, _mm_load_ps(from + i));
#else
  std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
#endif
}

// Before other threads read what was written.
inline void finish_writes_past_cache() {
#if defined(__SSE__)
  _mm_sfence();
#endif
}

}  // namespace halfspace::cpu
