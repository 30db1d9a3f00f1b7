// The mirror of lib/compile/program.ts: plain data, no behaviour but `validate`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attributes.h"
#include "tensor.h"

namespace halfspace {

// Memory that lives as long as the session.
struct Arena {
  std::string name;
  DType dtype;
  int64_t length;  // elements
};

enum class StorageKind { Arena, Input, Output, Temporary };

struct Storage {
  StorageKind kind;
  // Of an arena tensor only; the offset counts elements.
  size_t arena = 0;
  int64_t offset = 0;
};

struct Tensor {
  std::string name;
  DType dtype;
  Dims shape;
  Storage storage;
};

// One kernel call; inputs and outputs index Program::tensors.
struct Step {
  std::string kernel;
  std::vector<size_t> inputs;
  std::vector<size_t> outputs;
  Attributes attrs;
  std::string label;
};

// A named sequence of steps that one call runs.
struct Entry {
  std::string name;
  std::vector<size_t> inputs;
  std::vector<size_t> outputs;
  std::vector<Step> steps;
};

struct Program {
  std::string device;
  std::vector<Arena> arenas;
  std::vector<Tensor> tensors;
  std::vector<Entry> entries;
};

// Checks what guards memory: indices, bounds of arenas, sizes, and that every tensor is written before it is read
// and, outside the arenas, written once. Throws ErrorCode::Internal, since the compiler never makes a program that
// fails here.
void validate(const Program& program);

}  // namespace halfspace
