// Bounds of shared arrays, which are the static ones of the object that the kernel comes from, and order among
// the threads of one block in them. Bytes count as unwritten when a block starts; a thread may read what
// another wrote, and write what another wrote or read, only beyond a barrier of the block or, inside of a
// warp, a __syncwarp.
#pragma once

#include "access.h"

namespace halfspace::emulated {

// Called before a launch: the writable data of the kernel's object is its shared memory.
void select_shared_memory(const void* kernel);

bool is_shared(const void* address, size_t bytes);

// Checks and marks; `code` is where the access stands. Ends the launch where the access is wrong.
void touch_shared(Access access, const void* address, size_t bytes, const void* code);

}  // namespace halfspace::emulated
