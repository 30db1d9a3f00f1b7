// Kernels by what they do: a kernel keeps nothing between runs, so all steps that differ in their label
// alone share one. A network of many equal cells then prepares as fast as one cell.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "device.h"

namespace halfspace {

class KernelCache {
 public:
  // Made when first asked for; whatever it then complains of names the first such step. `meta` must
  // stay until the last call.
  Kernel& find(const StepMeta& meta, const KernelEntry& entry);
  // All that were made, for whoever runs them.
  std::vector<std::unique_ptr<Kernel>> take() { return std::move(made_); }

 private:
  struct ByWork {
    bool operator()(const StepMeta* a, const StepMeta* b) const;
  };

  std::map<const StepMeta*, Kernel*, ByWork> kernels_;
  std::vector<std::unique_ptr<Kernel>> made_;
};

}  // namespace halfspace
