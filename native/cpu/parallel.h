// Work split over OpenMP threads so that the numbers do not depend on how it was scheduled: work is
// cut at fixed places, never by the thread count; partial sums belong to a piece of work, never to
// a thread, and are added in order. So a loop's results are the same for every number of threads. Those of a whole
// program may differ in their last bits, since chains are made only where there are slices for all threads.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

#include "../tensor.h"
#include "shares.h"

namespace halfspace::cpu {

// Below this many floats of work, starting threads costs more than it saves.
inline constexpr int64_t kSerialWork = 1 << 14;

// Elements of one piece of a long flat array: 64 KiB, well inside the L2 cache.
inline constexpr int64_t kPiece = 1 << 14;

// Calls body(lane, piece) for all pieces, one lane a thread.
template <class Body>
void for_each_lane(Shares& shares, int64_t lanes, Body&& body) {
#pragma omp parallel for schedule(static) if (lanes > 1)
  for (int64_t lane = 0; lane < lanes; ++lane) {
    shares.work(lane, [&](int64_t piece) { body(lane, piece); });
  }
}

// Calls body(lane, index) for 0 <= index < count; no two calls of one lane at a time, so that each of the
// `lanes` can have scratch memory of its own. Here one after the other where the caller is one of several threads
// already. `work` is the number of floats that all calls touch.
template <class Body>
void parallel_lanes(int64_t lanes, int64_t count, int64_t work, Body&& body) {
  if (work <= kSerialWork || count == 1 || lanes == 1 || omp_in_parallel()) {
    for (int64_t index = 0; index < count; ++index) body(0, index);
    return;
  }
  Shares shares(count, lanes);
  for_each_lane(shares, lanes, body);
}

// Calls body(index) for 0 <= index < count.
template <class Body>
void parallel_for(int64_t count, int64_t work, Body&& body) {
  parallel_lanes(omp_get_max_threads(), count, work, [&](int64_t, int64_t index) { body(index); });
}

// Calls body(begin, end) for pieces of at most `piece` elements that cover [0, count).
template <class Body>
void parallel_pieces(int64_t count, int64_t piece, Body&& body) {
  parallel_for(ceil_div(count, piece), count,
               [&](int64_t index) { body(index * piece, std::min(count, (index + 1) * piece)); });
}

}  // namespace halfspace::cpu
