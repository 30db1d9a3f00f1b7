#include "device.h"

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

}  // namespace halfspace
