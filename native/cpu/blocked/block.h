// How wide a channel block is. Every file of this folder is compiled once for each width, in a
// namespace of its own, so that loops over a block have a length the compiler knows: 16 channels
// fill one AVX-512 register, 8 one of AVX2.
#pragma once

#include "../image.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

inline constexpr int64_t kBlock = HALFSPACE_BLOCK;

// Whether an operand is one that blocked kernels take.
inline void expect_blocked(const StepMeta& step, const TensorMeta& meta) {
  step.expect(meta.is_image() && meta.block == kBlock && meta.elements() > 0,
              "expected an image in blocks of ", kBlock, " that is not empty, got ", meta.text());
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
