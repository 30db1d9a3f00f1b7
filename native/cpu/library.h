// What the CPU engine stands on, for people who ask why it is slow or missing: oneDNN's version and
// the instructions that it uses on this processor.
#pragma once

#include <cstdint>
#include <string>

namespace halfspace::cpu {

// As `2.6.3`.
std::string library_version();

// The instruction set that oneDNN compiles its kernels for here, by oneDNN's name: `avx512_core`.
std::string instruction_set();

// Whether it multiplies in bf16 here.
bool has_bf16();

// Channels in a block that this instruction set likes best: the floats of a vector register.
int64_t best_channel_block();

}  // namespace halfspace::cpu
