// The sum of tensors of one shape, optionally rectified: what joins the branches of a network.
#include "../simd.h"
#include "image.h"
#include "kernels.h"
#include "registry.h"

namespace halfspace::cpu {
namespace {

HALFSPACE_SIMD void add(const float* a, const float* b, float* y, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = a[i] + b[i];
}

HALFSPACE_SIMD void rectify(float* y, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = y[i] < 0.0f ? 0.0f : y[i];
}

class Sum : public Kernel {
 public:
  explicit Sum(const StepMeta& step)
      : count_(step.outputs[0].stored_elements()),
        relu_(step.attrs.text("epilogue", "") == "relu") {
    step.expect(step.inputs.size() >= 1 && step.outputs.size() == 1,
                "expected at least one input and one output");
    for (const TensorMeta& input : step.inputs) expect_same(step, input, step.outputs[0]);
  }

  // A piece is small enough to stay in the L1 or L2 cache while all inputs pass over it.
  void run(const Buffers& buffers) override {
    parallel_pieces(count_, kCachedPiece,
                    [&](int64_t begin, int64_t end) { sum_piece(buffers, begin, end - begin); });
  }

 private:
  static constexpr int64_t kCachedPiece = 1 << 12;

  void sum_piece(const Buffers& buffers, int64_t begin, int64_t count) const {
    float* y = buffers.out(0) + begin;
    if (buffers.inputs.size() == 1) {
      std::memmove(y, buffers.in(0) + begin, count * sizeof(float));
    } else {
      add(buffers.in(0) + begin, buffers.in(1) + begin, y, count);
    }
    for (size_t i = 2; i < buffers.inputs.size(); ++i) add(y, buffers.in(i) + begin, y, count);
    if (relu_) rectify(y, count);
  }

  int64_t count_;
  bool relu_;
};

}  // namespace

std::unique_ptr<Kernel> make_sum(const StepMeta& step) { return std::make_unique<Sum>(step); }

std::optional<Absorbed> absorb_into_sum(const StepMeta& step, size_t term, const StepMeta& producer) {
  if (!step.outputs[0].is_blocked()) return std::nullopt;
  if (auto gradient = absorb_image_gradient(step, term, producer)) return gradient;
  const KernelEntry* entry = find_kernel("normalized_sum", step.outputs[0].block);
  return entry->absorb(step, term, producer);
}

}  // namespace halfspace::cpu
