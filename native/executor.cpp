#include "executor.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <iterator>

namespace halfspace {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration passed) { return std::chrono::duration<double, std::milli>(passed).count(); }

// Entries know nothing of each other: where several threads may work, each is planned on one of its own.
std::vector<EntryPlan> plan_entries(Program& program, const Device& device, int threads) {
  std::vector<std::future<EntryPlan>> planned;
  for (Entry& entry : program.entries) {
    planned.push_back(std::async(threads > 1 ? std::launch::async : std::launch::deferred, [&] {
      return plan_entry(program.tensors, std::move(entry), device, threads);
    }));
  }
  std::vector<EntryPlan> plans;
  for (std::future<EntryPlan>& plan : planned) plans.push_back(plan.get());
  return plans;
}

}  // namespace

Executor::Executor(Program program, ExecutorOptions options) : options_(options), arenas_(program.arenas) {
  validate(program);
  device_ = open_device(program.device, {options.precision, !options.trace});
  device_->enter_thread(options_.threads);
  std::vector<EntryPlan> plans = plan_entries(program, *device_, options_.threads);
  // Before kernels are made, which may choose their scratch memory by how much is left.
  allocate_data(plans);
  Caches caches{{}, std::vector<KernelCache>(options_.threads)};
  for (EntryPlan& plan : plans) add_entry(plan, caches);
  keep(caches.team.take());
  for (KernelCache& lane : caches.lanes) keep(lane.take());
  allocate_scratch();
  reserve_operands();
}

// The plan's steps must stay until the last entry is added: the caches look at them.
void Executor::add_entry(EntryPlan& plan, Caches& caches) {
  std::vector<Call>& calls = calls_.emplace_back();
  calls.reserve(plan.steps.size());
  for (PlannedStep& step : plan.steps) {
    calls.push_back({&kernel_of(step, caches), step.meta.kernel, std::move(step.places)});
  }
  entries_.push_back(std::move(plan.entry));
}

Kernel& Executor::kernel_of(const PlannedStep& step, Caches& caches) {
  if (!step.chain) return caches.team.find(step.meta, *step.kernel);
  kernels_.push_back(device_->make_chain(*step.chain, caches.lanes));
  return *kernels_.back();
}

void Executor::keep(std::vector<std::unique_ptr<Kernel>> kernels) {
  std::move(kernels.begin(), kernels.end(), std::back_inserter(kernels_));
}

void Executor::allocate_data(const std::vector<EntryPlan>& plans) {
  size_t temporary = 0;
  for (const EntryPlan& plan : plans) temporary = std::max(temporary, plan.entry.temporary_bytes);
  temporary_ = device_->allocate(temporary, Contents::Arbitrary);
  bases_ = {nullptr, static_cast<char*>(temporary_->data())};
  for (const Arena& arena : arenas_) {
    const size_t bytes = static_cast<size_t>(arena.length) * size_of(arena.dtype);
    arena_memory_.push_back(device_->allocate(bytes, Contents::Zero));
    bases_.push_back(static_cast<char*>(arena_memory_.back()->data()));
  }
}

void Executor::allocate_scratch() {
  size_t scratch = 0;
  for (const auto& kernel : kernels_) {
    scratch = std::max(scratch, align_up(kernel->scratch_bytes()) + kernel->prepared_bytes());
  }
  scratch_ = device_->allocate(scratch, Contents::Arbitrary);
}

void Executor::reserve_operands() {
  size_t operands = 0;
  for (const std::vector<Call>& calls : calls_) {
    for (const auto& [kernel, name, places] : calls) {
      operands = std::max({operands, places.inputs.size(), places.outputs.size()});
    }
  }
  inputs_.resize(operands);
  outputs_.resize(operands);
}

void Executor::read(size_t arena, size_t offset, void* to, size_t bytes) const {
  arena_memory_[arena]->read(offset, to, bytes);
}

void Executor::write(size_t arena, size_t offset, const void* from, size_t bytes) {
  arena_memory_[arena]->write(offset, from, bytes);
}

std::unique_ptr<InOut> Executor::allocate_in_out(size_t entry) const {
  return device_->allocate_in_out(entries_[entry].input_bytes, entries_[entry].output_bytes);
}

void Executor::run(size_t entry, InOut& in_out, const std::atomic<bool>& abort) {
  check(!abort.load(std::memory_order_relaxed), ErrorCode::Aborted, "aborted before '",
        entries_[entry].name, "'");
  bases_[kInOut] = in_out.device();
  in_out.run([&] { run_calls(entry, abort); });
  for (const Call& call : calls_[entry]) call.kernel->verify();
}

void Executor::run_calls(size_t entry, const std::atomic<bool>& abort) {
  const std::vector<Call>& calls = calls_[entry];
  for (size_t index = 0; index < calls.size(); ++index) {
    check(!abort.load(std::memory_order_relaxed), ErrorCode::Aborted, "aborted before step ",
          index, " of '", entries_[entry].name, "'");
    if (options_.trace) {
      trace_call(calls[index]);
    } else {
      run_call(calls[index]);
    }
  }
}

// What kernels make of weights before they look at images has a name of its own.
void Executor::trace_call(const Call& call) {
  const Buffers buffers = buffers_of(call);
  const auto start = Clock::now();
  call.kernel->prepare(buffers);
  device_->wait();
  const auto prepared = Clock::now();
  call.kernel->run(buffers);
  device_->wait();
  const auto end = Clock::now();
  if (call.kernel->prepared_bytes() > 0) times_["prepare"].add(milliseconds(prepared - start));
  call.kernel->account(call.name, milliseconds(end - prepared), times_);
}

void Executor::run_call(const Call& call) {
  const Buffers buffers = buffers_of(call);
  call.kernel->prepare(buffers);
  call.kernel->run(buffers);
}

Buffers Executor::buffers_of(const Call& call) {
  const auto& [inputs, outputs] = call.places;
  for (size_t i = 0; i < inputs.size(); ++i) inputs_[i] = address(inputs[i]);
  for (size_t i = 0; i < outputs.size(); ++i) outputs_[i] = address(outputs[i]);
  auto* scratch = static_cast<char*>(scratch_->data());
  return {{inputs_.data(), inputs.size()},
          {outputs_.data(), outputs.size()},
          scratch,
          scratch + align_up(call.kernel->scratch_bytes())};
}

size_t Executor::bytes() const {
  size_t sum = temporary_->bytes() + scratch_->bytes();
  for (const auto& arena : arena_memory_) sum += arena->bytes();
  return sum;
}

}  // namespace halfspace
