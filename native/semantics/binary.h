// Functions of two numbers: arithmetic, the larger, the smaller, comparisons, which give 1 or 0, and
// choices by them. Two tensors broadcast to a third.
#pragma once

#include "portable.h"
#include "strided.h"

namespace halfspace {

struct Add {
  HALFSPACE_INLINE float operator()(float a, float b) const { return a + b; }
};
struct Subtract {
  HALFSPACE_INLINE float operator()(float a, float b) const { return a - b; }
};
struct Multiply {
  HALFSPACE_INLINE float operator()(float a, float b) const { return a * b; }
};
struct Divide {
  HALFSPACE_INLINE float operator()(float a, float b) const { return a / b; }
};
// These two keep NaN, so that a diverged network shows it.
struct Larger {
  HALFSPACE_INLINE float operator()(float a, float b) const { return b > a || b != b ? b : a; }
};
struct Smaller {
  HALFSPACE_INLINE float operator()(float a, float b) const { return b < a || b != b ? b : a; }
};
struct Greater {
  HALFSPACE_INLINE float operator()(float a, float b) const { return a > b ? 1.0f : 0.0f; }
};
struct GreaterOrEqual {
  HALFSPACE_INLINE float operator()(float a, float b) const { return a >= b ? 1.0f : 0.0f; }
};
// a where b is not zero, zero elsewhere, whatever a is there
struct Select {
  HALFSPACE_INLINE float operator()(float a, float b) const { return b != 0.0f ? a : 0.0f; }
};
// a where b is zero, zero elsewhere
struct Reject {
  HALFSPACE_INLINE float operator()(float a, float b) const { return b != 0.0f ? 0.0f : a; }
};
// A rectifier that lets b times a pass below zero, and its slope in a
struct Leaky {
  HALFSPACE_INLINE float operator()(float a, float b) const { return a < 0.0f ? b * a : a; }
};
struct LeakySlope {
  HALFSPACE_INLINE float operator()(float a, float b) const { return a > 0.0f ? 1.0f : b; }
};

// The list of functions: calls make(Function{}) for the one that the step names.
template <class Make>
std::unique_ptr<Kernel> with_binary_function(const StepMeta& step, const Make& make) {
  const std::string name = step.attrs.text("function");
  if (name == "add") return make(Add{});
  if (name == "sub") return make(Subtract{});
  if (name == "mul") return make(Multiply{});
  if (name == "max") return make(Larger{});
  if (name == "min") return make(Smaller{});
  if (name == "greater") return make(Greater{});
  if (name == "greater_or_equal") return make(GreaterOrEqual{});
  if (name == "select") return make(Select{});
  if (name == "reject") return make(Reject{});
  if (name == "leaky") return make(Leaky{});
  if (name == "leaky_slope") return make(LeakySlope{});
  step.expect(name == "div", "unknown function '", name, "'");
  return make(Divide{});
}

// Over a, b and y; throws ErrorCode::Shape where the first two do not broadcast to the third.
Walk<3> binary_walk(const StepMeta& step);

Wanted binary_layout(const StepMeta& step, Operand operand);

}  // namespace halfspace
