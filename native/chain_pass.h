// The pass between layouts and places: steps that take the images of the batch one by one and have images in
// common become chains. A device that says so of no kernel gets its steps back as they are.
#pragma once

#include <vector>

#include "layout_pass.h"

namespace halfspace {

// `slots` grows by what stages leave for each other. Chains have at least as many slices as there are lanes,
// and how many does not depend on the lanes, nor then do their sums.
std::vector<DraftStep> chained(std::vector<DraftStep> steps, std::vector<Slot>& slots, const Device& device,
                               int lanes);

}  // namespace halfspace
