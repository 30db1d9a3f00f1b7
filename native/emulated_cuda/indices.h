// What kernels read as threadIdx, blockIdx, blockDim and gridDim, to be set.
#pragma once

#include "vector_types.h"

namespace halfspace::emulated {

uint3& thread_index();
uint3& block_index();
uint3& block_size();
uint3& grid_size();

}  // namespace halfspace::emulated
