// Sums and means over axes, and inner products. Every result of a reduction is summed in double by
// one thread, in the order of memory; an inner product is summed by pieces, which are added in
// order.
#include <numeric>

#include "../semantics/reduction.h"
#include "../simd.h"
#include "image.h"
#include "kernels.h"

namespace halfspace::cpu {
namespace {

// Neighbouring results that are summed together where they are neighbours in x too.
constexpr int64_t kTile = 64;
// Fewer are not worth a tile.
constexpr int64_t kLeastTile = 8;

HALFSPACE_SIMD double sum_run(const float* x, int64_t count, int64_t step) {
  double sum = 0.0;
  if (step == 1) {
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < count; ++i) sum += x[i];
  } else {
    for (int64_t i = 0; i < count; ++i) sum += x[i * step];
  }
  return sum;
}

// sums[lane] += sum over i of x[i step + lane]
HALFSPACE_SIMD void add_rows(const float* x, int64_t count, int64_t step, int64_t lanes,
                             double* sums) {
  for (int64_t i = 0; i < count; ++i) {
#pragma omp simd
    for (int64_t lane = 0; lane < lanes; ++lane) sums[lane] += x[i * step + lane];
  }
}

class Reduce : public Kernel {
 public:
  explicit Reduce(const StepMeta& step) : r_(reduction_of(step)) {}

  void run(const Buffers& buffers) override {
    const bool tiled = r_.kept.steps()[0] == 1 && r_.kept.run() >= kLeastTile;
    const int64_t parts = tiled ? ceil_div(r_.kept.run(), kTile) : r_.kept.run();
    const int64_t size = tiled ? kTile : 1;
    parallel_for(r_.kept.rows() * parts, r_.kept.elements() * r_.reduced.elements(),
                 [&](int64_t part) {
                   const auto at = r_.kept.offsets(part / parts);
                   const int64_t first = part % parts * size;
                   const float* x = buffers.in(0) + at[0] + first * r_.kept.steps()[0];
                   float* y = buffers.out(0) + at[1] + first * r_.kept.steps()[1];
                   if (tiled)
                     reduce_tile(x, y, std::min(kTile, r_.kept.run() - first));
                   else
                     y[0] = static_cast<float>(r_.factor * total(x));
                 });
  }

 private:
  double total(const float* x) const {
    double sum = 0.0;
    for (int64_t row = 0; row < r_.reduced.rows(); ++row) {
      sum += sum_run(x + r_.reduced.offsets(row)[0], r_.reduced.run(), r_.reduced.steps()[0]);
    }
    return sum;
  }

  void reduce_tile(const float* x, float* y, int64_t lanes) const {
    double sums[kTile] = {};
    for (int64_t row = 0; row < r_.reduced.rows(); ++row) {
      add_rows(x + r_.reduced.offsets(row)[0], r_.reduced.run(), r_.reduced.steps()[0], lanes,
               sums);
    }
    for (int64_t i = 0; i < lanes; ++i) y[i] = static_cast<float>(r_.factor * sums[i]);
  }

  Reduction r_;
};

HALFSPACE_SIMD double dot_run(const float* a, const float* b, int64_t count) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// Channels that only fill the last block are zero and add nothing.
class Dot : public Kernel {
 public:
  explicit Dot(const StepMeta& step) {
    step.expect_arity(2, 2, 1, 1);
    expect_same(step, step.inputs[0], step.inputs[1]);
    step.expect(step.inputs[0].dtype == DType::F32 && is_number(step.outputs[0]),
                "expected two tensors of floats and a number, got ", step.outputs[0].text());
    count_ = step.inputs[0].stored_elements();
    sums_.resize(ceil_div(count_, kPiece));
  }

  void run(const Buffers& buffers) override {
    parallel_pieces(count_, kPiece, [&](int64_t begin, int64_t end) {
      sums_[begin / kPiece] = dot_run(buffers.in(0) + begin, buffers.in(1) + begin, end - begin);
    });
    buffers.out(0)[0] = static_cast<float>(std::accumulate(sums_.begin(), sums_.end(), 0.0));
  }

 private:
  int64_t count_;
  std::vector<double> sums_;
};

}  // namespace

std::unique_ptr<Kernel> make_reduce(const StepMeta& step) { return std::make_unique<Reduce>(step); }
std::unique_ptr<Kernel> make_dot(const StepMeta& step) { return std::make_unique<Dot>(step); }

}  // namespace halfspace::cpu
