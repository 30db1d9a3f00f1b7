#include "binary.h"

namespace halfspace {
namespace {

bool meets(const TensorMeta& input, const TensorMeta& y) {
  if (is_number(input)) return true;
  return input.is_blocked() == y.is_blocked() && (!y.is_blocked() || input.dim(1) == y.dim(1));
}

}  // namespace

Walk<3> binary_walk(const StepMeta& step) {
  step.expect_arity(2, 2, 1, 1);
  const TensorMeta& y = step.outputs[0];
  const Dims dims = stored_dims(y);
  for (const TensorMeta& input : step.inputs) {
    step.expect(input.is_floating() && y.is_floating() && meets(input, y) &&
                    broadcasts_to(stored_dims(input), dims),
                input.text(), " does not broadcast to ", y.text());
  }
  return {dims,
          {broadcast_strides(stored_dims(step.inputs[0]), dims),
           broadcast_strides(stored_dims(step.inputs[1]), dims), dense_strides(dims)}};
}

Wanted binary_layout(const StepMeta& step, Operand operand) {
  StepMeta images = step;
  std::erase_if(images.inputs, is_number);
  return blocked_where_channels_agree(images, operand);
}

}  // namespace halfspace
