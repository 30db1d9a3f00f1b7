// Sums and means over axes, and inner products. Every result of a reduction is summed in double by
// one thread, in the order of memory; an inner product is summed by pieces, which are added in
// order.
#include <numeric>

#include "image.h"
#include "kernels.h"
#include "simd.h"
#include "strided.h"

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
  explicit Reduce(const StepMeta& step) : Reduce(step, axes_of(step)) {}

  void run(const Buffers& buffers) override {
    const bool tiled = kept_.steps()[0] == 1 && kept_.run() >= kLeastTile;
    const int64_t parts = tiled ? ceil_div(kept_.run(), kTile) : kept_.run();
    const int64_t size = tiled ? kTile : 1;
    parallel_for(kept_.rows() * parts, kept_.elements() * reduced_.elements(), [&](int64_t part) {
      const auto at = kept_.offsets(part / parts);
      const int64_t first = part % parts * size;
      const float* x = buffers.in(0) + at[0] + first * kept_.steps()[0];
      float* y = buffers.out(0) + at[1] + first * kept_.steps()[1];
      if (tiled)
        reduce_tile(x, y, std::min(kTile, kept_.run() - first));
      else
        y[0] = static_cast<float>(factor_ * total(x));
    });
  }

 private:
  Reduce(const StepMeta& step, const std::vector<bool>& reduced)
      : kept_(walk_of<2>(step, reduced, false)), reduced_(walk_of<1>(step, reduced, true)) {
    const std::string function = step.attrs.text("function");
    step.expect(function == "sum" || function == "mean", "unknown function '", function, "'");
    factor_ = function == "mean" ? 1.0 / static_cast<double>(reduced_.elements()) : 1.0;
  }

  // Which axes of x go, checked against y.
  static std::vector<bool> axes_of(const StepMeta& step) {
    step.expect_arity(1, 1, 1, 1);
    const TensorMeta &x = step.inputs[0], &y = step.outputs[0];
    std::vector<bool> reduced(x.rank(), false);
    for (int64_t axis : step.attrs.integers("axes")) {
      step.expect(axis >= 0 && axis < static_cast<int64_t>(x.rank()), "no axis ", axis, " in ",
                  x.text());
      reduced[axis] = true;
    }
    Dims rest, ones;
    for (size_t i = 0; i < x.rank(); ++i) {
      if (!reduced[i]) rest.push_back(x.dims[i]);
      ones.push_back(reduced[i] ? 1 : x.dims[i]);
    }
    Dims without_ones = y.dims, expected = rest;
    std::erase(without_ones, 1);
    std::erase(expected, 1);
    step.expect(x.dtype == DType::F32 && y.dtype == DType::F32 && without_ones == expected,
                "expected the other axes of ", x.text(), ", got ", y.text());
    step.expect(x.is_blocked() == y.is_blocked() && (!x.is_blocked() || !reduced[1]),
                "blocked channels cannot be reduced");
    return reduced;
  }

  // Over the axes that are reduced or those that are kept: strides in x, and in y for kept ones.
  // y has the kept elements in the same order, so its strides are those of a dense tensor.
  template <size_t kOperands>
  static Walk<kOperands> walk_of(const StepMeta& step, std::vector<bool> reduced, bool wanted) {
    const Dims all = stored_dims(step.inputs[0]), dense = dense_strides(all);
    reduced.resize(all.size(), false);
    Dims dims, strides;
    for (size_t i = 0; i < all.size(); ++i) {
      if (reduced[i] != wanted) continue;
      dims.push_back(all[i]);
      strides.push_back(dense[i]);
    }
    if constexpr (kOperands == 1)
      return {dims, {strides}};
    else
      return {dims, {strides, dense_strides(dims)}};
  }

  double total(const float* x) const {
    double sum = 0.0;
    for (int64_t row = 0; row < reduced_.rows(); ++row) {
      sum += sum_run(x + reduced_.offsets(row)[0], reduced_.run(), reduced_.steps()[0]);
    }
    return sum;
  }

  void reduce_tile(const float* x, float* y, int64_t lanes) const {
    double sums[kTile] = {};
    for (int64_t row = 0; row < reduced_.rows(); ++row) {
      add_rows(x + reduced_.offsets(row)[0], reduced_.run(), reduced_.steps()[0], lanes, sums);
    }
    for (int64_t i = 0; i < lanes; ++i) y[i] = static_cast<float>(factor_ * sums[i]);
  }

  Walk<2> kept_;
  Walk<1> reduced_;
  double factor_;
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
