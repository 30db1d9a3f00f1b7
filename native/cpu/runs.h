// The runs of a walk, spread over threads.
#pragma once

#include "../semantics/strided.h"
#include "parallel.h"

namespace halfspace::cpu {

// Calls body(offsets) for every run; short runs are handed out several at a time.
template <size_t kOperands, class Body>
void parallel_runs(const Walk<kOperands>& walk, Body&& body) {
  const int64_t together = std::max<int64_t>(1, 1024 / std::max<int64_t>(walk.run(), 1));
  parallel_for(ceil_div(walk.rows(), together), walk.elements(), [&](int64_t part) {
    const int64_t end = std::min(walk.rows(), (part + 1) * together);
    for (int64_t row = part * together; row < end; ++row) body(walk.offsets(row));
  });
}

}  // namespace halfspace::cpu
