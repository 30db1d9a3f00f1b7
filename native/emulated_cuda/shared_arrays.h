// Where the shared arrays of an object lie, by its symbol table: statics at multiples of kSharedAlignment are
// what __shared__ makes. No array is that long, so that memory which belongs to none parts any two.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace halfspace::emulated {

// Bytes of the array at each multiple of kSharedAlignment, counted from the object's base; 0 where there is none.
std::vector<size_t> shared_arrays(const std::string& path);

}  // namespace halfspace::emulated
