#include "pooling.h"

#include <algorithm>

namespace halfspace {

PoolingShape read_pooling(const StepMeta& step, const TensorMeta& x, const TensorMeta& y) {
  constexpr int64_t kMost = 1 << 20;
  const auto kernel = step.attrs.integers("kernel"), strides = step.attrs.integers("strides");
  const auto padding = step.attrs.integers("padding", {0, 0, 0, 0});
  const auto dilations = step.attrs.integers("dilations", {1, 1});
  step.expect(
      kernel.size() == 2 && strides.size() == 2 && padding.size() == 4 && dilations.size() == 2,
      "expected kernel[2], strides[2], padding[4], dilations[2]");
  const auto within = [](int64_t value, int64_t least) { return value >= least && value < kMost; };
  PoolingShape shape{};
  for (size_t i = 0; i < 2; ++i) {
    step.expect(within(kernel[i], 1) && within(strides[i], 1) && within(dilations[i], 1) &&
                    within(padding[i], 0) && within(padding[i + 2], 0),
                "kernel, strides and dilations must be positive, padding not negative");
    shape.kernel[i] = kernel[i];
    shape.strides[i] = strides[i];
    shape.dilations[i] = dilations[i];
    shape.before[i] = padding[i];
    shape.after[i] = padding[i + 2];
  }
  step.expect(x.dim(0) == y.dim(0) && x.dim(1) == y.dim(1),
              "pooling keeps batch and channels: ", x.text(), " and ", y.text());
  return shape;
}

std::vector<float> tap_shares(const PoolingShape& shape, size_t axis, int64_t inputs,
                              int64_t outputs, bool padded) {
  const int64_t low = padded ? -shape.before[axis] : 0;
  const int64_t high = padded ? inputs + shape.after[axis] : inputs;
  std::vector<float> shares;
  for (int64_t o = 0; o < outputs; ++o) {
    const int64_t first = o * shape.strides[axis] - shape.before[axis];
    int64_t taps = 0;
    for (int64_t k = 0; k < shape.kernel[axis]; ++k) {
      const int64_t at = first + k * shape.dilations[axis];
      taps += at >= low && at < high;
    }
    shares.push_back(1.0f / static_cast<float>(std::max<int64_t>(taps, 1)));
  }
  return shares;
}

}  // namespace halfspace
