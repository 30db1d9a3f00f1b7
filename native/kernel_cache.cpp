#include "kernel_cache.h"

#include <tuple>

namespace halfspace {

Kernel& KernelCache::find(const PlannedStep& step) {
  auto found = kernels_.find(&step.meta);
  if (found == kernels_.end()) {
    made_.push_back(step.kernel->make(step.meta));
    found = kernels_.emplace(&step.meta, made_.back().get()).first;
  }
  return *found->second;
}

bool KernelCache::ByWork::operator()(const StepMeta* a, const StepMeta* b) const {
  return std::tie(a->kernel, a->inputs, a->outputs, a->attrs) <
         std::tie(b->kernel, b->inputs, b->outputs, b->attrs);
}

}  // namespace halfspace
