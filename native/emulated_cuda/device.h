// Which device the calling thread uses.
#pragma once

namespace halfspace::emulated {

int current_device();
// Throws cudaErrorInsufficientDriver, cudaErrorNoDevice or cudaErrorInvalidDevice as a Failure.
void require_device(int device);

}  // namespace halfspace::emulated
