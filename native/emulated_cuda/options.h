// The options in force.
#pragma once

#include "include/emulated_cuda.h"

namespace halfspace::emulated {

Options& options();

}  // namespace halfspace::emulated
