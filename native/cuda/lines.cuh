// Launches over the lines of an image: a line has `items` neighbouring results, and threads find
// theirs with one short division, whatever the size of the image.
#pragma once

#include <bit>

#include "grid.cuh"

namespace halfspace::cuda {

struct Lines {
  int64_t lines;
  int items;

  Grid grid() const {
    constexpr int64_t kMostY = 65535;
    const auto across = static_cast<unsigned>(
        std::min<int64_t>(kThreads, std::bit_ceil(static_cast<unsigned>(items))));
    const unsigned down = kThreads / across;
    return {dim3(static_cast<unsigned>(ceil_div(items, across)),
                 static_cast<unsigned>(std::min(ceil_div(lines, down), kMostY))),
            dim3(across, down)};
  }

  // Calls visit(line, item) for what this thread does.
  template <class Visit>
  __device__ void for_each(const Visit& visit) const {
    const int item = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (item >= items) return;
    int64_t line = static_cast<int64_t>(blockIdx.y) * blockDim.y + threadIdx.y;
    for (; line < lines; line += static_cast<int64_t>(gridDim.y) * blockDim.y) visit(line, item);
  }
};

}  // namespace halfspace::cuda
