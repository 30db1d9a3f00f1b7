#include "cross_entropy.h"

namespace halfspace {

Targets targets_of(const StepMeta& step, const TensorMeta& logits, const TensorMeta& labels) {
  step.expect(logits.rank() == 2 && logits.dtype == DType::F32 && logits.elements() > 0,
              "expected logits [N,K], got ", logits.text());
  const int64_t rows = logits.dim(0);
  const bool dense = labels.dtype == DType::F32;
  const bool fits =
      dense ? same_shape(labels, logits) : labels.dtype == DType::I32 && labels.elements() == rows;
  step.expect(fits, "labels must be i32[N] or f32[N,K], got ", labels.text());
  return {rows, logits.dim(1), step.attrs.number("smoothing", 0.0), dense};
}

void refuse_label(const Targets& targets, int32_t label, int64_t row) {
  fail(ErrorCode::Shape, "label ", label, " of row ", row, " is not one of ", targets.classes,
       " classes (nor -1, padding)");
}

}  // namespace halfspace
