// Kernels by what they do: a kernel keeps nothing between runs, so all steps that differ in their label
// alone share one. A network of many equal cells then prepares as fast as one cell.
#pragma once

#include <map>
#include <memory>

#include "plan.h"

namespace halfspace {

class KernelCache {
 public:
  // Made when first asked for; whatever it then complains of names the first such step. `step` must
  // outlive this object.
  Kernel& find(const PlannedStep& step);

 private:
  struct ByWork {
    bool operator()(const StepMeta* a, const StepMeta* b) const;
  };

  std::map<const StepMeta*, std::unique_ptr<Kernel>, ByWork> kernels_;
};

}  // namespace halfspace
