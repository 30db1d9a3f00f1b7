// Mirroring of planes of bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halfspace {

// Each of `rows` rows of `width` bytes from right to left.
void mirror_rows(const uint8_t* from, size_t rows, size_t width, uint8_t* to);

}  // namespace halfspace
