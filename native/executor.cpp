#include "executor.h"

#include <algorithm>
#include <chrono>

namespace halfspace {

Executor::Executor(Program program, ExecutorOptions options)
    : program_(std::move(program)), options_(options) {
  validate(program_);
  device_ = open_device(program_.device, {options.precision, !options.trace});
  for (const Entry& entry : program_.entries) {
    plans_.push_back(plan_entry(program_, entry, *device_));
  }
  for (const Arena& arena : program_.arenas) {
    arenas_.push_back(
        device_->allocate(static_cast<size_t>(arena.length) * size_of(arena.dtype)));
  }
}

void Executor::prepare() {
  device_->enter_thread(options_.threads);
  size_t temporary = 0;
  size_t scratch = 0;
  size_t operands = 0;
  for (const EntryPlan& plan : plans_) {
    temporary = std::max(temporary, plan.temporary_bytes);
    std::vector<Kernel*>& kernels = kernels_.emplace_back();
    for (const PlannedStep& step : plan.steps) {
      kernels.push_back(&cache_.find(step));
      scratch = std::max(scratch, kernels.back()->scratch_bytes());
      operands = std::max({operands, step.inputs.size(), step.outputs.size()});
    }
  }
  temporary_ = device_->allocate(temporary);
  scratch_ = device_->allocate(scratch);
  inputs_.resize(operands);
  outputs_.resize(operands);
  bases_ = {nullptr, static_cast<char*>(temporary_->data())};
  for (const auto& arena : arenas_) bases_.push_back(static_cast<char*>(arena->data()));
}

void Executor::read(size_t arena, size_t offset, void* to, size_t bytes) const {
  arenas_[arena]->read(offset, to, bytes);
}

void Executor::write(size_t arena, size_t offset, const void* from, size_t bytes) {
  arenas_[arena]->write(offset, from, bytes);
}

std::unique_ptr<InOut> Executor::allocate_in_out(size_t entry) const {
  return device_->allocate_in_out(plans_[entry].input_bytes, plans_[entry].output_bytes);
}

void Executor::run(size_t entry, InOut& in_out, const std::atomic<bool>& abort) {
  check(!abort.load(std::memory_order_relaxed), ErrorCode::Aborted, "aborted before '",
        plans_[entry].name, "'");
  bases_[kInOut] = in_out.device();
  in_out.run([&] { run_steps(entry, abort); });
  for (const auto& kernel : kernels_[entry]) kernel->verify();
}

void Executor::run_steps(size_t entry, const std::atomic<bool>& abort) {
  const EntryPlan& plan = plans_[entry];
  for (size_t index = 0; index < plan.steps.size(); ++index) {
    check(!abort.load(std::memory_order_relaxed), ErrorCode::Aborted, "aborted before step ",
          index, " of '", plan.name, "'");
    Kernel& kernel = *kernels_[entry][index];
    if (options_.trace) {
      trace_step(plan.steps[index], kernel);
    } else {
      run_step(plan.steps[index], kernel);
    }
  }
}

void Executor::trace_step(const PlannedStep& step, Kernel& kernel) {
  auto start = std::chrono::steady_clock::now();
  run_step(step, kernel);
  device_->wait();
  std::chrono::duration<double, std::milli> passed = std::chrono::steady_clock::now() - start;
  KernelTime& time = times_[step.meta.kernel];
  ++time.calls;
  time.milliseconds += passed.count();
}

void Executor::run_step(const PlannedStep& step, Kernel& kernel) {
  for (size_t i = 0; i < step.inputs.size(); ++i) inputs_[i] = address(step.inputs[i]);
  for (size_t i = 0; i < step.outputs.size(); ++i) outputs_[i] = address(step.outputs[i]);
  kernel.run({{inputs_.data(), step.inputs.size()},
              {outputs_.data(), step.outputs.size()},
              scratch_->data()});
}

size_t Executor::bytes() const {
  size_t sum = temporary_->bytes() + scratch_->bytes();
  for (const auto& arena : arenas_) sum += arena->bytes();
  return sum;
}

}  // namespace halfspace
