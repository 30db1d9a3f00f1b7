#include "kernel_cache.h"

#include <tuple>

namespace halfspace {

Kernel& KernelCache::find(const PlannedStep& step) {
  auto found = kernels_.find(&step.meta);
  if (found == kernels_.end()) {
    found = kernels_.emplace(&step.meta, step.kernel->make(step.meta)).first;
  }
  return *found->second;
}

bool KernelCache::ByWork::operator()(const StepMeta* a, const StepMeta* b) const {
  return std::tie(a->kernel, a->inputs, a->outputs, a->attrs) <
         std::tie(b->kernel, b->inputs, b->outputs, b->attrs);
}

}  // namespace halfspace
