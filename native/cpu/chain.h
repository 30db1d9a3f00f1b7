// Chains on the CPU: every thread takes slices of the batch through all links by itself.
#pragma once

#include "../chain.h"
#include "../kernel_cache.h"

namespace halfspace::cpu {

// Kernels of lane i are made in `lanes[i]` for one thread, since they may not be shared while they run. A chain
// that is `timed` knows what each of its links took.
std::unique_ptr<Kernel> make_chain(const Chain& chain, std::span<KernelCache> lanes, bool timed);

}  // namespace halfspace::cpu
