// What the program asks of a device: a kernel for every step, prepared once and run many times.
// No arithmetic here, no Node, and no type of oneDNN or CUDA.
//
// A kernel checks the shapes, types and layouts it was given when it is made, so that running it
// cannot fail on them; the program guarantees that every pointer it passes later covers
// TensorMeta::bytes() and is aligned to kAlignment, arena tensors to their element alone.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "attributes.h"
#include "error.h"
#include "tensor.h"

namespace halfspace {

// Alignment of temporaries, inputs, outputs and scratch: a cache line, an AVX-512 register.
inline constexpr size_t kAlignment = 64;

constexpr size_t align_up(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// One kernel call with everything known about it before it runs.
struct StepMeta {
  std::string kernel;
  std::vector<TensorMeta> inputs;
  std::vector<TensorMeta> outputs;
  Attributes attrs;
  // The node this came from; every complaint starts with it.
  std::string label;

  // Throws ErrorCode::Shape with `kernel 'label':` and the operands in front unless `condition`
  // holds, for the checks a kernel makes when it is made.
  template <class... Parts>
  void expect(bool condition, const Parts&... parts) const {
    if (!condition) fail(ErrorCode::Shape, describe(), ": ", parts...);
  }
  // Throws unless the number of inputs and outputs lies in the given ranges (inclusive).
  void expect_arity(size_t min_inputs, size_t max_inputs, size_t min_outputs,
                    size_t max_outputs) const;
  // `conv 'stage2.conv1' (f32[8,64,16,16], f32[64,64,3,3]) -> (f32[8,64,16,16])`
  std::string describe() const;
};

// Where the operands of one run lie. An output that a step updates in place has the address of
// the input of the same tensor; no other operands overlap.
struct Buffers {
  std::span<const void* const> inputs;
  std::span<void* const> outputs;
  // Kernel::scratch_bytes() of memory with arbitrary contents, valid during this run only.
  void* scratch;

  template <class T = float>
  const T* in(size_t index) const {
    return static_cast<const T*>(inputs[index]);
  }
  template <class T = float>
  T* out(size_t index) const {
    return static_cast<T*>(outputs[index]);
  }
};

// A step made ready for a device. One thread at a time runs it, the one that made it or another
// with the same OpenMP team size; it allocates nothing and keeps nothing between runs.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void run(const Buffers& buffers) = 0;
  virtual size_t scratch_bytes() const { return 0; }
};

using KernelFactory = std::unique_ptr<Kernel> (*)(const StepMeta& step);

// Which layout a kernel wants an image operand in.
//   Plain, Blocked  that one; the program reorders where it has the other
//   Either          it does not mind, but all operands of the step that say so share one layout:
//                   that of the first image input (Blocked where there is none)
//   Any             it takes every combination; what it makes is Blocked
enum class Wanted { Plain, Blocked, Either, Any };

struct Operand {
  bool output;
  size_t index;
};

// Asked for image operands only (rank-4 f32); everything else is always Plain. The layouts inside
// `step` are not final yet and must not be read.
using LayoutRule = Wanted (*)(const StepMeta& step, Operand operand);

inline Wanted all_blocked(const StepMeta&, Operand) { return Wanted::Blocked; }
inline Wanted all_plain(const StepMeta&, Operand) { return Wanted::Plain; }
inline Wanted all_either(const StepMeta&, Operand) { return Wanted::Either; }
inline Wanted any_layout(const StepMeta&, Operand) { return Wanted::Any; }

// Whether the first output would be byte for byte the first input, so that the step can vanish
// and both can be one buffer. Asked with final layouts.
using AliasRule = bool (*)(const StepMeta& step);

inline bool never_alias(const StepMeta&) { return false; }

// All that a device says about one kernel.
struct KernelEntry {
  const char* name;
  KernelFactory make;
  LayoutRule layout = all_blocked;
  AliasRule alias = never_alias;
};

// Memory of a device that lives as long as this object; zero at first.
class Memory {
 public:
  virtual ~Memory() = default;
  virtual void* data() const = 0;
  virtual size_t bytes() const = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  // Null where the device has no kernel of that name.
  virtual const KernelEntry* find(const std::string& kernel) const = 0;
  // Channels in a block of a blocked image with so many channels; at least 1.
  virtual int64_t channel_block(int64_t channels) const = 0;
  // Throws ErrorCode::OutOfMemory.
  virtual std::unique_ptr<Memory> allocate(size_t bytes) const = 0;
  // Called on the thread that prepares and runs, before it does either.
  virtual void enter_thread(int threads) const = 0;
};

// `cpu`, `cuda`, `cuda:1`; throws ErrorCode::Unsupported for anything this build has not.
std::unique_ptr<Device> open_device(const std::string& name);

}  // namespace halfspace
