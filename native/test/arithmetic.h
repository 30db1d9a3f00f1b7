// What tests of products differ by: the kernels that they hold to a plain loop, and the numbers that those
// multiply as they are, so that a result differs by the rounding of its sums alone.
#pragma once

#include <bit>

#include "cpu/bf16_products.h"
#include "cpu/library.h"
#include "harness.h"

namespace halfspace::test {

struct Arithmetic {
  const KernelEntry* (*find)(const std::string& kernel);
  // The nearest number that it multiplies.
  double (*nearest)(double value);

  const KernelEntry& entry(const char* kernel) const {
    const KernelEntry* found = find(kernel);
    if (!found) failed("no kernel ", kernel);
    return *found;
  }
  Tensor random(Dims dims, uint32_t seed, double spread) const {
    Tensor t = test::random(std::move(dims), seed, spread);
    for (double& value : t.data) value = nearest(value);
    return t;
  }
};

inline double itself(double value) { return value; }

// The nearest of bf16 to a float, ties to even.
inline double nearest_bf16(double value) {
  uint32_t bits = std::bit_cast<uint32_t>(static_cast<float>(value));
  bits += 0x7fff + (bits >> 16 & 1);
  return std::bit_cast<float>(bits & 0xffff0000u);
}

// Products of floats, on any device.
inline Arithmetic floats() { return {find_kernel, itself}; }

// Those of bf16 on a CPU that has them; skips the test elsewhere.
inline Arithmetic bf16_on_cpu() {
  if (!on_cpu()) skip("the CPU's alone");
  if (!cpu::has_bf16()) skip("oneDNN has no bf16 with ", cpu::instruction_set());
  return {cpu::find_bf16_product, nearest_bf16};
}

}  // namespace halfspace::test
