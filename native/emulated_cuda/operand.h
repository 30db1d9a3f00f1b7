// What calls of the libraries have in common: operands in device memory that are checked as a whole, and
// the factors alpha and beta.
#pragma once

#include <span>
#include <string>

#include "access.h"

namespace halfspace::emulated {

struct Operand {
  Access access;
  const void* data;
  size_t bytes;
  // Of the call: "x".
  const char* name;
};

// Checks all operands of the call that runs: bounds, contents, order; and that what it writes overlaps
// nothing else.
void touch_operands(const std::string& call, std::span<const Operand> operands);

// result = alpha * value + beta * result; beta 0 does not look at the result.
struct Scaling {
  float alpha;
  float beta;

  float operator()(float value, float result) const {
    return beta == 0 ? alpha * value : alpha * value + beta * result;
  }
};

}  // namespace halfspace::emulated
