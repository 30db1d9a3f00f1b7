#include "device.h"

#include "cpu/device.h"
#include "cuda_device.h"

namespace halfspace {
namespace {

std::string list(const std::vector<TensorMeta>& tensors) {
  std::string result = "(";
  for (size_t index = 0; index < tensors.size(); ++index) {
    if (index > 0) result += ", ";
    result += tensors[index].text();
  }
  return result + ")";
}

}  // namespace

std::string StepMeta::describe() const {
  return kernel + " '" + label + "' " + list(inputs) + " -> " + list(outputs);
}

void StepMeta::expect_arity(size_t min_inputs, size_t max_inputs, size_t min_outputs,
                            size_t max_outputs) const {
  expect(inputs.size() >= min_inputs && inputs.size() <= max_inputs, "it takes ", min_inputs,
         " to ", max_inputs, " inputs");
  expect(outputs.size() >= min_outputs && outputs.size() <= max_outputs, "it gives ", min_outputs,
         " to ", max_outputs, " outputs");
}

std::unique_ptr<Device> open_device(const std::string& name) {
  if (name == "cpu") return cpu::open();
  if (name.rfind("cuda", 0) == 0) return cuda::open(name);
  fail(ErrorCode::Unsupported, "there is no device '", name, "'; known are cpu and cuda");
}

}  // namespace halfspace
