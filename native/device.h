// What the program asks of a device: a kernel for every step, prepared once and run many times.
// No arithmetic here, no Node, and no type of oneDNN or CUDA.
//
// A kernel checks the shapes, types and layouts it was given when it is made, so that running it
// cannot fail on them; the program guarantees that every pointer it passes later covers
// TensorMeta::bytes() and is aligned to kAlignment, arena tensors to their element alone.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
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
  // Kernel::prepared_bytes() of memory as `prepare` left it.
  void* prepared = nullptr;

  template <class T = float>
  const T* in(size_t index) const {
    return static_cast<const T*>(inputs[index]);
  }
  template <class T = float>
  T* out(size_t index) const {
    return static_cast<T*>(outputs[index]);
  }
};

// What a kernel name has cost so far; counted only while tracing.
struct KernelTime {
  size_t calls = 0;
  double milliseconds = 0;

  void add(double passed) {
    ++calls;
    milliseconds += passed;
  }
};
using KernelTimes = std::map<std::string, KernelTime>;

// A step made ready for a device. One thread at a time runs it, the one that made it or another
// with the same OpenMP team size; it keeps nothing between runs, and allocates nothing but what deals its work
// to threads.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void run(const Buffers& buffers) = 0;
  virtual size_t scratch_bytes() const { return 0; }
  // What a run needs of operands that are not images, such as weights in an order of its own: made once before
  // any number of runs on slices of the images. Images must not be looked at.
  virtual void prepare(const Buffers&) {}
  virtual size_t prepared_bytes() const { return 0; }
  // Books what the last run took, for the kernel's name; kernels that run others book it for theirs.
  virtual void account(const std::string& name, double milliseconds, KernelTimes& times) const {
    times[name].add(milliseconds);
  }
  // After the run's end: throws what was wrong with the numbers, where `run` could not yet know.
  virtual void verify() const {}
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

// Asked for image operands only (floats of rank 4); everything else is always Plain. The layouts inside
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

// Whether the step does the same with each image of the batch by itself, so that it can be run on a part of
// the batch: its blocked images are cut along the batch, whatever else it reads it reads whole, and whatever
// else it writes is a sum over the images. Asked with final layouts.
using ByImageRule = bool (*)(const StepMeta& step);

inline bool never_by_image(const StepMeta&) { return false; }
inline bool always_by_image(const StepMeta&) { return true; }
inline bool blocked_by_image(const StepMeta& step) { return step.outputs[0].is_blocked(); }

// What a stage reads or writes: an operand of the whole step, or what one stage leaves for a later one.
struct StageOperand {
  enum class Of { Input, Output, Between } of;
  size_t index;
};

struct Stage {
  const char* kernel;
  std::vector<StageOperand> inputs;
  std::vector<StageOperand> outputs;
  Attributes attrs;
};

// One step as several that follow each other.
struct Stages {
  std::vector<TensorMeta> between;
  std::vector<Stage> stages;
};

// For a step that as a whole does not take images by themselves, but in stages that mostly do.
using StagesRule = Stages (*)(const StepMeta& step);

// A step that does what another did as well. Its inputs are those of both, numbered through: first those of the
// step that absorbs, then the other's.
struct Absorbed {
  const char* kernel;
  Attributes attrs;
  std::vector<size_t> inputs;
};

// What a step makes of itself and of `producer`, which made its input `index`, or none. Asked where nobody else
// reads what the producer made.
using AbsorbRule = std::optional<Absorbed> (*)(const StepMeta& step, size_t index, const StepMeta& producer);

// All that a device says about one kernel.
struct KernelEntry {
  const char* name;
  KernelFactory make;
  LayoutRule layout = all_blocked;
  AliasRule alias = never_alias;
  ByImageRule by_image = never_by_image;
  StagesRule stages = nullptr;
  AbsorbRule absorb = nullptr;
};

// What memory holds before anybody writes it. Only arenas need zeros; elsewhere they would hide a step that
// reads what no other has written.
enum class Contents { Zero, Arbitrary };

// Memory of a device that lives as long as this object. Only kernels may follow the address; the host
// copies, between runs and within bounds.
class Memory {
 public:
  virtual ~Memory() = default;
  virtual void* data() const = 0;
  virtual size_t bytes() const = 0;
  virtual void read(size_t offset, void* to, size_t bytes) const = 0;
  virtual void write(size_t offset, const void* from, size_t bytes) = 0;
};

// The inputs and then the outputs of one run, on the host's side and on the device's; one place where
// the device computes in the host's memory. Every run with it is of the same entry.
class InOut {
 public:
  virtual ~InOut() = default;
  // Inputs are filled here, each before its `send`; outputs are read here after `run`.
  virtual char* host() const = 0;
  // Where kernels find both.
  virtual char* device() const = 0;
  // The input of `bytes` at `offset` may set out for the device, while another run works there.
  virtual void send(size_t offset, size_t bytes) = 0;
  // Computes what `steps` launches and returns when the outputs are on the host. A device may record
  // the launches once and replay them in later runs without calling `steps`.
  virtual void run(const std::function<void()>& steps) = 0;
};

// What a product of two f32 numbers keeps of them: all 24 bits, the 11 bits of TF32, or the 8 of bf16,
// which images are then kept in as well.
enum class Precision { Fp32, Tf32, Bf16 };

struct DeviceOptions {
  // The device's own choice where there is none.
  std::optional<Precision> precision;
  // Whether runs may be recorded and replayed; not where every step is to be timed.
  bool record = true;
};

struct Chain;
class KernelCache;

class Device {
 public:
  virtual ~Device() = default;
  // Null where the device has no kernel of that name.
  virtual const KernelEntry* find(const std::string& kernel) const = 0;
  // Channels in a block of a blocked image with so many channels; at least 1.
  virtual int64_t channel_block(int64_t channels) const = 0;
  // What the elements of a blocked image are: f32 or bf16. Plain ones, as hosts and arenas have them, are
  // f32.
  virtual DType image_type() const = 0;
  // Throws ErrorCode::OutOfMemory, as does the next.
  virtual std::unique_ptr<Memory> allocate(size_t bytes, Contents contents) const = 0;
  virtual std::unique_ptr<InOut> allocate_in_out(size_t input_bytes, size_t output_bytes) const = 0;
  // Whether inputs travel by themselves, so that those of the next run are best sent before this one ends.
  virtual bool sends_ahead() const = 0;
  // The links of a chain as one kernel; those of lane i come from `lanes[i]`, made for one thread. Never asked
  // of a device none of whose kernels takes images by themselves.
  virtual std::unique_ptr<Kernel> make_chain(const Chain&, std::span<KernelCache>) const {
    fail(ErrorCode::Internal, "internal: this device has no chains");
  }
  // Called on the thread that prepares and runs, before it does either.
  virtual void enter_thread(int threads) const = 0;
  // Returns when all that was launched is done.
  virtual void wait() const = 0;
};

// `cpu`, `cuda`, `cuda:1`; throws ErrorCode::Unsupported for what this machine has not.
std::unique_ptr<Device> open_device(const std::string& name, const DeviceOptions& options);

}  // namespace halfspace
