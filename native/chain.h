// Steps that run together, a slice of the batch after the other, so that what one writes is still in the cache
// when the next reads it, and what none but they need never reaches memory.
#pragma once

#include <vector>

#include "device.h"

namespace halfspace {

// What a chain does with a tensor.
//   Slice  runs over it slice by slice
//   Whole  reads all of it at every slice
//   Sum    writes one of its size at every slice and adds them up
//   Local  writes and reads a slice that nobody else needs
enum class Part { Slice, Whole, Sum, Local };

struct ChainOperand {
  Part part;
  DType dtype;
  // Of one slice; of all where it is read whole or summed.
  int64_t elements;
  // Of a local slice, in bytes, in memory that each lane has for itself.
  size_t offset = 0;

  size_t bytes() const { return static_cast<size_t>(elements) * size_of(dtype); }
};

// One step on a slice; operands count through Chain::operands.
struct Link {
  StepMeta meta;
  const KernelEntry* kernel;
  std::vector<size_t> inputs;
  std::vector<size_t> outputs;
};

struct Chain {
  int64_t slices;
  // Whether the last slice comes first. Neighbouring chains run in opposite directions: what the one has touched
  // last is still in a cache when the next begins with it.
  bool backwards;
  // Inputs of the chain, its outputs, what is local.
  std::vector<ChainOperand> operands;
  std::vector<Link> links;
  size_t inputs;
  size_t local_bytes;
};

}  // namespace halfspace
