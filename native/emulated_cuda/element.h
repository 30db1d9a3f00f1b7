// Numbers as the libraries store them and as the stand-ins compute with them: always float.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace halfspace::emulated {

enum class Element { F32, BF16 };

constexpr size_t element_bytes(Element type) { return type == Element::F32 ? 4 : 2; }

inline float float_of_bf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// To nearest, ties to even; NaN stays NaN.
inline uint16_t bf16_of_float(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// What tensor cores see of a float: 10 bits of mantissa, to nearest, ties away from zero.
inline float tf32_of_float(float value) {
  if (!std::isfinite(value)) return value;
  return std::bit_cast<float>((std::bit_cast<uint32_t>(value) + 0x1000) & 0xffffe000u);
}

inline float load_element(const void* data, size_t index, Element type) {
  if (type == Element::F32) {
    float value;
    std::memcpy(&value, static_cast<const std::byte*>(data) + index * 4, 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, static_cast<const std::byte*>(data) + index * 2, 2);
  return float_of_bf16(bits);
}

inline void store_element(void* data, size_t index, Element type, float value) {
  if (type == Element::F32) {
    std::memcpy(static_cast<std::byte*>(data) + index * 4, &value, 4);
    return;
  }
  uint16_t bits = bf16_of_float(value);
  std::memcpy(static_cast<std::byte*>(data) + index * 2, &bits, 2);
}

}  // namespace halfspace::emulated
