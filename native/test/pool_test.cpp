// Pooling against plain loops over windows.
#include "harness.h"

using namespace halfspace;
using namespace halfspace::test;

namespace {

struct Case {
  Dims shape;
  int64_t kernel[2], strides[2], padding[4], dilations[2];
};

const std::vector<Case> kCases = {
    {{2, 3, 8, 8}, {2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}},
    {{1, 17, 7, 9}, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}},
    {{2, 24, 5, 5}, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}},
    {{1, 33, 11, 6}, {3, 2}, {2, 3}, {0, 1, 2, 0}, {2, 1}},
    {{1, 1, 4, 4}, {4, 4}, {1, 1}, {3, 3, 3, 3}, {1, 1}},
    {{3, 16, 1, 13}, {1, 5}, {1, 4}, {0, 2, 0, 2}, {1, 2}},
};

int64_t outputs_along(const Case& c, size_t axis) {
  const int64_t reach = c.dilations[axis] * (c.kernel[axis] - 1) + 1;
  return (c.shape[2 + axis] + c.padding[axis] + c.padding[axis + 2] - reach) / c.strides[axis] + 1;
}

Dims pooled_shape(const Case& c) {
  return {c.shape[0], c.shape[1], outputs_along(c, 0), outputs_along(c, 1)};
}

Attrs attrs_of(const Case& c) {
  const auto pair = [](const int64_t* v) { return std::vector<double>(v, v + 2); };
  return {{"kernel", pair(c.kernel)},
          {"strides", pair(c.strides)},
          {"padding", std::vector<double>(c.padding, c.padding + 4)},
          {"dilations", pair(c.dilations)}};
}

// Calls visit(output, window): for each output element its window as indices into x, with -1 for
// places in the padding.
template <class Visit>
void for_each_window(const Case& c, Visit&& visit) {
  const auto shape = pooled_shape(c);
  for (int64_t o = 0; o < elements(shape); ++o) {
    const int64_t ow = o % shape[3], oh = o / shape[3] % shape[2], plane = o / shape[3] / shape[2];
    std::vector<int64_t> window;
    for (int64_t i = 0; i < c.kernel[0]; ++i) {
      for (int64_t j = 0; j < c.kernel[1]; ++j) {
        const int64_t h = oh * c.strides[0] - c.padding[0] + i * c.dilations[0];
        const int64_t w = ow * c.strides[1] - c.padding[1] + j * c.dilations[1];
        const bool in = h >= 0 && h < c.shape[2] && w >= 0 && w < c.shape[3];
        window.push_back(in ? (plane * c.shape[2] + h) * c.shape[3] + w : -1);
      }
    }
    visit(o, window);
  }
}

int64_t first_maximum(const Tensor& x, const std::vector<int64_t>& window) {
  int64_t best = -1;
  for (int64_t i : window) {
    if (i >= 0 && (best < 0 || x[i] > x[best])) best = i;
  }
  return best;
}

double divisor(const std::vector<int64_t>& window, bool include) {
  double count = 0;
  for (int64_t i : window) count += include || i >= 0;
  return count;
}

}  // namespace

TEST("max pooling takes the maximum inside the image, ties and negatives included") {
  for (const Case& c : kCases) {
    Tensor x = random_ties(c.shape, 1);
    for (double& value : x.data) value -= 5;
    Tensor y = zeros(pooled_shape(c));
    for_each_window(c, [&](int64_t o, const auto& window) { y[o] = x[first_maximum(x, window)]; });
    expect_equal(run("max_pool", attrs_of(c), {x}, zeros(y.dims)), y);
  }
}

TEST("the gradient of max pooling goes to the first maximum in scan order") {
  for (const Case& c : kCases) {
    const Tensor x = random_ties(c.shape, 2), dy = random(pooled_shape(c), 3);
    Tensor dx = zeros(c.shape);
    for_each_window(c,
                    [&](int64_t o, const auto& window) { dx[first_maximum(x, window)] += dy[o]; });
    // Up to 16 float additions meet in one element.
    expect_close(run("max_pool_backward", attrs_of(c), {dy, x}, zeros(c.shape)), dx, 2e-6);
  }
}

TEST("max pooling passes NaN on") {
  Tensor x = random({1, 1, 2, 2}, 4);
  x[2] = NAN;
  const Case c{{1, 1, 2, 2}, {2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}};
  if (!std::isnan(run("max_pool", attrs_of(c), {x}, zeros({1, 1, 1, 1}))[0])) failed("NaN is gone");
}

TEST("average pooling divides by the window, with or without padding, and so does its gradient") {
  for (Case c : kCases) {
    c.dilations[0] = c.dilations[1] = 1;
    for (bool include : {false, true}) {
      Attrs attrs = attrs_of(c);
      attrs.erase("dilations");
      attrs["countIncludePad"] = include;
      const Tensor x = random(c.shape, 5), dy = random(pooled_shape(c), 6);
      Tensor y = zeros(dy.dims), dx = zeros(c.shape);
      for_each_window(c, [&](int64_t o, const auto& window) {
        for (int64_t i : window) {
          if (i < 0) continue;
          y[o] += x[i] / divisor(window, include);
          dx[i] += dy[o] / divisor(window, include);
        }
      });
      expect_close(run("average_pool", attrs, {x}, zeros(y.dims)), y, 1e-6);
      expect_close(run("average_pool_backward", attrs, {dy}, zeros(c.shape)), dx, 2e-6);
    }
  }
}

TEST("a last partial window counts only what lies in the padded image") {
  const Case c{{1, 3, 5, 5}, {2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}};
  Attrs attrs = attrs_of(c);
  attrs["countIncludePad"] = true;
  const Tensor x = random(c.shape, 7);
  const Tensor y = run("average_pool", attrs, {x}, zeros({1, 3, 3, 3}));
  const double corner = x[24], edge = (x[4] + x[9]) / 2;
  if (std::abs(y[8] - corner) > 1e-6 || std::abs(y[2] - edge) > 1e-6)
    failed("got ", y[8], " ", y[2]);
}

TEST("global average pooling is the mean of a channel, and spreads its gradient evenly") {
  for (const Case& c : kCases) {
    const int64_t pixels = c.shape[2] * c.shape[3];
    const Tensor x = random(c.shape, 8), dy = random({c.shape[0], c.shape[1], 1, 1}, 9);
    Tensor y = zeros(dy.dims), dx = zeros(c.shape);
    for (size_t i = 0; i < x.size(); ++i) {
      y[i / pixels] += x[i] / pixels;
      dx[i] = dy[i / pixels] / pixels;
    }
    expect_close(run("global_average_pool", {}, {x}, zeros(dy.dims)), y, 1e-6);
    expect_close(run("global_average_pool_backward", {}, {dy}, zeros(c.shape)), dx, 1e-6);
  }
}
