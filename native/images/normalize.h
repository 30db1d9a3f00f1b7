// Bytes to numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halfspace {

constexpr size_t kLevels = 256;  // of a byte

// out[i] = levels[bytes[i]]; `levels` has kLevels elements.
void look_up(const float* levels, const uint8_t* bytes, size_t count, float* out);

}  // namespace halfspace
