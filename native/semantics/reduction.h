// Which elements of x a reduction adds up for which element of y.
#pragma once

#include "strided.h"

namespace halfspace {

struct Reduction {
  // Over the axes that stay, with steps in x and in y, which has those elements in the same order.
  Walk<2> kept;
  // Over the axes that go, in x.
  Walk<1> reduced;
  // What the sum is multiplied with: one, or one over the number of its terms.
  double factor;
};

// Checks the step and throws ErrorCode::Shape where it does not fit.
Reduction reduction_of(const StepMeta& step);

}  // namespace halfspace
