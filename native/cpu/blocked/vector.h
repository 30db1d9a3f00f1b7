// The channels of a block as one vector, which the compiler keeps in a register, or in two where
// the instruction set has none as wide.
#pragma once

#include "../../simd.h"
#include "block.h"

// How wide vectors cross a call differs between instruction sets; here none does, all is inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace halfspace::cpu::HALFSPACE_WIDE {

typedef float Vector
    __attribute__((vector_size(kBlock * sizeof(float)), aligned(4), may_alias));

HALFSPACE_INLINE Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }
HALFSPACE_INLINE void store(float* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; }
HALFSPACE_INLINE Vector rectify(Vector value) {
  const Vector zero = {};
  return value > zero ? value : zero;
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
