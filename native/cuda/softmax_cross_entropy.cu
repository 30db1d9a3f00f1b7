// Softmax followed by cross entropy, and the gradient with respect to the logits. A team does a
// row; one block adds the results of the rows, in double and always in the same order.
#include "../semantics/cross_entropy.h"
#include "grid.cuh"
#include "kernels.h"
#include "memory.h"
#include "operands.h"
#include "teams.cuh"

namespace halfspace::cuda {
namespace {

struct RowResult {
  double loss, correct;
};

// The first row whose label is no class, told to the host; `row` is negative where there is none.
struct Fault {
  int64_t row;
  int32_t label;
};

// p = softmax(z); returns log sum exp(z), in double.
template <class Team>
__device__ double softmax_row(const float* z, float* p, int classes) {
  float top = -INFINITY;
  for (int k = Team::rank(); k < classes; k += Team::kSize) top = Larger{}(top, z[k]);
  top = Team::reduce(top, Larger{});
  double sum = 0.0;
  for (int k = Team::rank(); k < classes; k += Team::kSize) {
    sum += exp(static_cast<double>(z[k]) - top);
  }
  const double log_sum = top + log(Team::reduce(sum, Plus{}));
  for (int k = Team::rank(); k < classes; k += Team::kSize) {
    p[k] = static_cast<float>(exp(z[k] - log_sum));
  }
  return log_sum;
}

template <class Team>
__device__ int64_t label_of(const Targets& targets, const void* labels, int64_t row) {
  if (!targets.dense) return static_cast<const int32_t*>(labels)[row];
  return first_largest<Team>(static_cast<const float*>(labels) + row * targets.classes,
                             static_cast<int>(targets.classes));
}

template <class Team>
__device__ double loss_of(const Targets& targets, const void* labels, int64_t row, const float* z,
                          double log_sum) {
  double loss = 0.0;
  for (int64_t k = Team::rank(); k < targets.classes; k += Team::kSize) {
    const double target = targets.target(labels, row, k);
    if (target != 0.0) loss += target * (log_sum - z[k]);
  }
  return Team::reduce(loss, Plus{});
}

template <int kTeam>
__global__ void cross_entropy_rows(Targets targets, const float* logits, const void* labels,
                                   float* probabilities, RowResult* results) {
  using Threads = Team<kTeam>;
  const int64_t row = Threads::row();
  if (row >= targets.rows) return;
  const int classes = static_cast<int>(targets.classes);
  const float* z = logits + row * targets.classes;
  const double log_sum = softmax_row<Threads>(z, probabilities + row * targets.classes, classes);
  const double loss = loss_of<Threads>(targets, labels, row, z, log_sum);
  const int answer = first_largest<Threads>(z, classes);
  const bool correct = answer == label_of<Threads>(targets, labels, row);
  if (Threads::rank() > 0) return;
  const bool counts = targets.counts(labels, row);
  results[row] = {counts ? loss : 0.0, counts && correct ? 1.0 : 0.0};
}

using Block = Team<kThreads>;

// Rows that count, in every thread of the block.
__device__ double counted_rows(const Targets& targets, const void* labels) {
  int64_t count = 0;
  for (int64_t row = Block::rank(); row < targets.rows; row += kThreads) {
    count += targets.counts(labels, row);
  }
  return static_cast<double>(Block::reduce(count, Plus{}));
}

// The first row with a label that is no class, or the number of rows.
__device__ int64_t first_fault(const Targets& targets, const void* labels) {
  int64_t first = targets.rows;
  for (int64_t row = Block::rank(); row < targets.rows && !targets.dense; row += kThreads) {
    if (targets.is_valid(static_cast<const int32_t*>(labels)[row])) continue;
    first = Smaller{}(first, row);
  }
  return Block::reduce(first, Smaller{});
}

// One block.
__global__ void add_rows(Targets targets, const void* labels, const RowResult* results, float* loss,
                         float* correct, Fault* fault) {
  RowResult part{};
  for (int64_t row = Block::rank(); row < targets.rows; row += kThreads) {
    part.loss += results[row].loss;
    part.correct += results[row].correct;
  }
  part = {Block::reduce(part.loss, Plus{}), Block::reduce(part.correct, Plus{})};
  const double counted = counted_rows(targets, labels);
  const int64_t bad = first_fault(targets, labels);
  if (Block::rank() > 0) return;
  *loss = static_cast<float>(part.loss / fmax(counted, 1.0));
  *correct = static_cast<float>(part.correct);
  if (bad < targets.rows) {
    *fault = {bad, static_cast<const int32_t*>(labels)[bad]};
  } else {
    *fault = {-1, 0};
  }
}

// logits labels -> loss probabilities correct
class SoftmaxCrossEntropy final : public CudaKernel {
 public:
  explicit SoftmaxCrossEntropy(const StepMeta& step)
      : targets_(targets_of(step, step.inputs.at(0), step.inputs.at(1))), told_(context_, sizeof(Fault)) {
    step.expect_arity(2, 2, 3, 3);
    expect_same(step, step.inputs[0], step.outputs[1]);
    for (size_t i : {0, 2}) expect_floats(step, step.outputs[i], 1);
    *fault() = {-1, 0};
  }

  // [rows]
  size_t scratch_bytes() const override { return targets_.rows * sizeof(RowResult); }

  void run(const Buffers& buffers) override {
    auto* results = static_cast<RowResult*>(buffers.scratch);
    const bool narrow = targets_.classes <= kWarpRow;
    launch(stream(), teams_for(targets_.rows, narrow ? kWarp : kThreads),
           narrow ? cross_entropy_rows<kWarp> : cross_entropy_rows<kThreads>, targets_,
           buffers.in(0), buffers.inputs[1], buffers.out(1), results);
    launch(stream(), {dim3(1)}, add_rows, targets_, buffers.inputs[1], results, buffers.out(0),
           buffers.out(2), fault());
  }

  void verify() const override {
    if (fault()->row >= 0) refuse_label(targets_, fault()->label, fault()->row);
  }

 private:
  Fault* fault() const { return reinterpret_cast<Fault*>(told_.data()); }

  Targets targets_;
  PinnedMemory told_;
};

// One block.
__global__ void count_rows(Targets targets, const void* labels, double* rows) {
  const double counted = counted_rows(targets, labels);
  if (Block::rank() == 0) *rows = fmax(counted, 1.0);
}

__global__ void differentiate(Targets targets, const float* probabilities, const void* labels,
                              const double* rows, float* dlogits) {
  for (int64_t i = first_item(); i < targets.rows * targets.classes; i += item_step()) {
    const int64_t row = i / targets.classes, k = i % targets.classes;
    const double error = probabilities[i] - targets.target(labels, row, k);
    dlogits[i] = targets.counts(labels, row) ? static_cast<float>(error / *rows) : 0.0f;
  }
}

// probabilities labels -> dlogits
class SoftmaxCrossEntropyBackward final : public CudaKernel {
 public:
  explicit SoftmaxCrossEntropyBackward(const StepMeta& step)
      : targets_(targets_of(step, step.inputs.at(0), step.inputs.at(1))) {
    step.expect_arity(2, 2, 1, 1);
    expect_same(step, step.inputs[0], step.outputs[0]);
  }

  // How many rows count
  size_t scratch_bytes() const override { return sizeof(double); }

  void run(const Buffers& buffers) override {
    auto* rows = static_cast<double*>(buffers.scratch);
    launch(stream(), {dim3(1)}, count_rows, targets_, buffers.inputs[1], rows);
    launch(stream(), context_.cover(targets_.elements()), differentiate, targets_, buffers.in(0),
           buffers.inputs[1], rows, buffers.out(0));
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

}  // namespace halfspace::cuda
