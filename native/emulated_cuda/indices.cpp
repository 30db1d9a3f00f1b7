// threadIdx and its companions as the emulation sees them. emulated_kernel.h, which must not be included
// here, declares them const to kernels, where no thread sees them change.
#include "indices.h"

uint3 threadIdx = {};
uint3 blockIdx = {};
uint3 blockDim = {1, 1, 1};
uint3 gridDim = {1, 1, 1};

namespace halfspace::emulated {

uint3& thread_index() { return threadIdx; }
uint3& block_index() { return blockIdx; }
uint3& block_size() { return blockDim; }
uint3& grid_size() { return gridDim; }

}  // namespace halfspace::emulated
