// Sums, differences, products and quotients of two tensors that broadcast to a third.
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

// The list of functions: calls make(Function{}) for the one that the step names.
template <class Make>
std::unique_ptr<Kernel> with_binary_function(const StepMeta& step, const Make& make) {
  const std::string name = step.attrs.text("function");
  if (name == "add") return make(Add{});
  if (name == "sub") return make(Subtract{});
  if (name == "mul") return make(Multiply{});
  step.expect(name == "div", "unknown function '", name, "'");
  return make(Divide{});
}

// Over a, b and y; throws ErrorCode::Shape where the first two do not broadcast to the third.
Walk<3> binary_walk(const StepMeta& step);

Wanted binary_layout(const StepMeta& step, Operand operand);

}  // namespace halfspace
