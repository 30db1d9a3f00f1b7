// A program made ready on a device: arenas, prepared kernels, planned memory. Of the program itself little is
// left, since its shapes, labels and attributes outweigh all that a run needs. Knows no Node and no
// JavaScript. One thread at a time uses it, always with the same OpenMP team size.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "device.h"
#include "kernel_cache.h"
#include "plan.h"
#include "program.h"

namespace halfspace {

struct ExecutorOptions {
  int threads = 1;
  bool trace = false;
  std::optional<Precision> precision = {};
};

class Executor {
 public:
  // Validates, plans, makes every kernel and allocates, on the thread that will run; throws where a
  // kernel does not take its step.
  Executor(Program program, ExecutorOptions options);

  const std::vector<EntryDescription>& entries() const { return entries_; }
  const std::vector<Arena>& arenas() const { return arenas_; }
  // Copies `bytes` from or to an arena, `offset` bytes from its start; the caller keeps within it.
  void read(size_t arena, size_t offset, void* to, size_t bytes) const;
  void write(size_t arena, size_t offset, const void* from, size_t bytes);

  // Memory for the inputs and outputs of one run of an entry.
  std::unique_ptr<InOut> allocate_in_out(size_t entry) const;
  bool sends_ahead() const { return device_->sends_ahead(); }

  // Runs an entry on inputs that were sent, after which its outputs are on the host. Throws
  // ErrorCode::Aborted when `abort` is set before it or, unless the device replays, between steps.
  void run(size_t entry, InOut& in_out, const std::atomic<bool>& abort);

  // Everything allocated for the life of the session.
  size_t bytes() const;
  const KernelTimes& times() const { return times_; }

 private:
  // A step as it runs.
  struct Call {
    Kernel* kernel;
    std::string name;
    Places places;
  };

  // Kernels that a team of all threads runs, and those that each of its threads runs by itself in chains.
  struct Caches {
    KernelCache team;
    std::vector<KernelCache> lanes;
  };

  void add_entry(EntryPlan& plan, Caches& caches);
  Kernel& kernel_of(const PlannedStep& step, Caches& caches);
  void keep(std::vector<std::unique_ptr<Kernel>> kernels);
  void allocate_data(const std::vector<EntryPlan>& plans);
  void allocate_scratch();
  void reserve_operands();
  void run_calls(size_t entry, const std::atomic<bool>& abort);
  Buffers buffers_of(const Call& call);
  void run_call(const Call& call);
  void trace_call(const Call& call);
  void* address(Place place) const { return bases_[place.region] + place.offset; }

  ExecutorOptions options_;
  std::unique_ptr<Device> device_;
  std::vector<Arena> arenas_;
  std::vector<EntryDescription> entries_;
  std::vector<std::vector<Call>> calls_;  // by entry
  std::vector<std::unique_ptr<Kernel>> kernels_;
  std::vector<std::unique_ptr<Memory>> arena_memory_;
  std::unique_ptr<Memory> temporary_;
  std::unique_ptr<Memory> scratch_;
  std::vector<char*> bases_;         // by region
  std::vector<const void*> inputs_;  // of the step that runs
  std::vector<void*> outputs_;
  KernelTimes times_;
};

}  // namespace halfspace
