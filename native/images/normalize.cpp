#include "images/normalize.h"

#include <bit>
#include <cstring>

namespace halfspace {
namespace {

constexpr size_t kWord = sizeof(uint64_t);
static_assert(std::endian::native == std::endian::little, "the first byte of a word is its lowest");

}  // namespace

// Bytes are read by words: what limits the loop are reads, of which half are those of bytes one by one.
void look_up(const float* __restrict levels, const uint8_t* __restrict bytes, size_t count,
             float* __restrict out) {
  size_t i = 0;
  for (; i + kWord <= count; i += kWord) {
    uint64_t word;
    std::memcpy(&word, bytes + i, kWord);
    for (size_t k = 0; k < kWord; ++k) out[i + k] = levels[word >> 8 * k & 255];
  }
  for (; i < count; ++i) out[i] = levels[bytes[i]];
}

}  // namespace halfspace
