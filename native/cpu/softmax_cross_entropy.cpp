// Softmax followed by cross entropy, and the gradient with respect to the logits. Rows are small
// (classes), so a row is the unit of work; row losses are added in order, in double.
#include <cmath>

#include "../semantics/cross_entropy.h"
#include "image.h"
#include "kernels.h"

namespace halfspace::cpu {
namespace {

int64_t counted(const Targets& targets, const void* labels) {
  int64_t count = 0;
  for (int64_t row = 0; row < targets.rows; ++row) count += targets.counts(labels, row);
  return count;
}

void check_labels(const Targets& targets, const void* labels) {
  if (targets.dense) return;
  for (int64_t row = 0; row < targets.rows; ++row) {
    const int32_t label = static_cast<const int32_t*>(labels)[row];
    if (!targets.is_valid(label)) refuse_label(targets, label, row);
  }
}

// p = softmax(z); returns log sum exp(z), in double.
double softmax_row(const float* z, float* p, int64_t classes) {
  const double top = *std::max_element(z, z + classes);
  double sum = 0.0;
  for (int64_t k = 0; k < classes; ++k) sum += std::exp(z[k] - top);
  const double log_sum = top + std::log(sum);
  for (int64_t k = 0; k < classes; ++k) p[k] = static_cast<float>(std::exp(z[k] - log_sum));
  return log_sum;
}

// logits labels -> loss probabilities correct
class SoftmaxCrossEntropy : public Kernel {
 public:
  explicit SoftmaxCrossEntropy(const StepMeta& step)
      : targets_(targets_of(step, step.inputs.at(0), step.inputs.at(1))) {
    step.expect_arity(2, 2, 3, 3);
    expect_same(step, step.inputs[0], step.outputs[1]);
    for (size_t i : {0, 2}) {
      step.expect(step.outputs[i].dtype == DType::F32 && step.outputs[i].elements() == 1,
                  "expected f32[1], got ", step.outputs[i].text());
    }
  }

  size_t scratch_bytes() const override { return targets_.rows * sizeof(RowResult); }

  void run(const Buffers& buffers) override {
    const void* labels = buffers.inputs[1];
    check_labels(targets_, labels);
    RowResult* results = static_cast<RowResult*>(buffers.scratch);
    parallel_for(targets_.rows, targets_.elements() * 16, [&](int64_t row) {
      const int64_t begin = row * targets_.classes;
      results[row] = run_row(buffers.in(0) + begin, labels, row, buffers.out(1) + begin);
    });
    double loss = 0.0, correct = 0.0;
    for (int64_t row = 0; row < targets_.rows; ++row) {
      loss += results[row].loss;
      correct += results[row].correct;
    }
    const int64_t rows = std::max<int64_t>(counted(targets_, labels), 1);
    buffers.out(0)[0] = static_cast<float>(loss / static_cast<double>(rows));
    buffers.out(2)[0] = static_cast<float>(correct);
  }

 private:
  struct RowResult {
    double loss, correct;
  };

  RowResult run_row(const float* z, const void* labels, int64_t row, float* p) const {
    const int64_t classes = targets_.classes;
    const double log_sum = softmax_row(z, p, classes);
    if (!targets_.counts(labels, row)) return {0.0, 0.0};
    double loss = 0.0;
    for (int64_t k = 0; k < classes; ++k) {
      const double target = targets_.target(labels, row, k);
      if (target != 0.0) loss += target * (log_sum - z[k]);
    }
    const int64_t answer = std::max_element(z, z + classes) - z;
    return {loss, answer == targets_.label(labels, row) ? 1.0 : 0.0};
  }

  Targets targets_;
};

// probabilities labels -> dlogits
class SoftmaxCrossEntropyBackward : public Kernel {
 public:
  explicit SoftmaxCrossEntropyBackward(const StepMeta& step)
      : targets_(targets_of(step, step.inputs.at(0), step.inputs.at(1))) {
    step.expect_arity(2, 2, 1, 1);
    expect_same(step, step.inputs[0], step.outputs[0]);
  }

  void run(const Buffers& buffers) override {
    const void* labels = buffers.inputs[1];
    const double rows = static_cast<double>(std::max<int64_t>(counted(targets_, labels), 1));
    parallel_for(targets_.rows, targets_.elements(), [&](int64_t row) {
      const bool counts = targets_.counts(labels, row);
      for (int64_t k = 0; k < targets_.classes; ++k) {
        const int64_t i = row * targets_.classes + k;
        const double error = buffers.in(0)[i] - targets_.target(labels, row, k);
        buffers.out(0)[i] = counts ? static_cast<float>(error / rows) : 0.0f;
      }
    });
  }

 private:
  Targets targets_;
};

}  // namespace

std::unique_ptr<Kernel> make_softmax_cross_entropy(const StepMeta& step) {
  return std::make_unique<SoftmaxCrossEntropy>(step);
}

std::unique_ptr<Kernel> make_softmax_cross_entropy_backward(const StepMeta& step) {
  return std::make_unique<SoftmaxCrossEntropyBackward>(step);
}

}  // namespace halfspace::cpu
