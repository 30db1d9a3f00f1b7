// Sizes as cuDNN and cuBLAS take them.
#pragma once

#include <cstdint>
#include <limits>

#include "../error.h"

namespace halfspace::cuda {

inline int as_int(int64_t value) {
  constexpr int kMost = std::numeric_limits<int>::max();
  check(value <= kMost, ErrorCode::Unsupported, "cuDNN and cuBLAS count to ", kMost, ", not to ",
        value);
  return static_cast<int>(value);
}

}  // namespace halfspace::cuda
