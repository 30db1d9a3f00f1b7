// Concatenation and its inverse, split: what the parts and the whole must have in common.
#pragma once

#include "../device.h"

namespace halfspace {

// Checks that `parts`, joined along the attribute `axis`, are `whole`; returns the axis.
size_t joined_axis(const StepMeta& step, const std::vector<TensorMeta>& parts,
                   const TensorMeta& whole);

}  // namespace halfspace
