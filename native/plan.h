// How one entry of a program runs on a device: every tensor with its layout and its place in
// memory, and the steps with the reorders between layouts put in. Derived, never edited.
#pragma once

#include <cstddef>
#include <vector>

#include "chain.h"
#include "device.h"
#include "program.h"

namespace halfspace {

// Memory regions of a run. Arenas follow: region kFirstArena + i is arena i.
enum Region : size_t { kInOut, kTemporary, kFirstArena };

// An address once the base of the region is known.
struct Place {
  size_t region;
  size_t offset;  // bytes
};

// Where the operands of a step lie.
struct Places {
  std::vector<Place> inputs;
  std::vector<Place> outputs;
};

// A step whose operands have final layouts and places; or a chain of steps, which has no entry of its own.
struct PlannedStep {
  StepMeta meta;
  const KernelEntry* kernel;
  Places places;
  std::shared_ptr<const Chain> chain;
};

// An input or output that the caller fills or reads.
struct Port {
  std::string name;
  TensorMeta meta;
  size_t offset;  // bytes, in region kInOut
};

// What is known of an entry besides its steps.
struct EntryDescription {
  std::string name;
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  // Of region kInOut: inputs come first.
  size_t input_bytes = 0;
  size_t output_bytes = 0;
  size_t temporary_bytes = 0;
  // Of the steps, those that only change a layout, and besides them those that vanished because both
  // sides are one buffer.
  size_t steps = 0;
  size_t reorders = 0;
  size_t aliases = 0;
};

struct EntryPlan {
  EntryDescription entry;
  std::vector<PlannedStep> steps;
};

// An entry over the tensors of a program that has passed `validate`; `lanes` slices of a batch run at a time. Throws
// ErrorCode::Unsupported for an unknown kernel.
EntryPlan plan_entry(const std::vector<Tensor>& tensors, Entry entry, const Device& device, int lanes);

}  // namespace halfspace
