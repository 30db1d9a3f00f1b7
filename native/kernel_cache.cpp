#include "kernel_cache.h"

#include <tuple>

namespace halfspace {

Kernel& KernelCache::find(const StepMeta& meta, const KernelEntry& entry) {
  auto found = kernels_.find(&meta);
  if (found == kernels_.end()) {
    made_.push_back(entry.make(meta));
    found = kernels_.emplace(&meta, made_.back().get()).first;
  }
  return *found->second;
}

bool KernelCache::ByWork::operator()(const StepMeta* a, const StepMeta* b) const {
  return std::tie(a->kernel, a->inputs, a->outputs, a->attrs) <
         std::tie(b->kernel, b->inputs, b->outputs, b->attrs);
}

}  // namespace halfspace
