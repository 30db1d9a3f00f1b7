// A program as it crosses the boundary, written by lib/compile/encode.ts: one list of numbers, in the
// order of the fields of program.h, and the texts that they refer to. Knows no Node.
#pragma once

#include <string>
#include <vector>

#include "program.h"

namespace halfspace {

struct Encoding {
  std::vector<std::string> texts;
  std::vector<double> numbers;
};

// Throws ErrorCode::Internal where it is not what the encoder writes; `validate` is still to come.
Program decode_program(const Encoding& encoding);

}  // namespace halfspace
