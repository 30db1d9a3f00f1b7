// Holds convolutions and their gradients, ours and a library's, to one plain loop over all products.
#pragma once

#include <span>

#include "arithmetic.h"

namespace halfspace::test {

struct Case {
  int64_t batch, channels, filters, groups, height, width;
  int64_t kernel[2], strides[2], dilations[2], padding[4];
};

// Channels around the block of 16; odd sizes; windows that reach beyond every edge.
inline const std::vector<Case> kCases = {
    {2, 3, 16, 1, 9, 8, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {1, 1, 5, 1, 7, 7, {5, 3}, {2, 1}, {1, 1}, {2, 0, 2, 1}},
    {2, 17, 24, 1, 6, 5, {3, 3}, {2, 2}, {1, 1}, {0, 1, 1, 0}},
    {1, 32, 16, 1, 7, 9, {3, 3}, {1, 1}, {2, 2}, {2, 2, 2, 2}},
    {2, 33, 48, 1, 5, 5, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {2, 24, 48, 4, 6, 6, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {2, 64, 32, 2, 6, 6, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {2, 17, 34, 17, 6, 6, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {3, 3, 3, 3, 8, 7, {5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}},
    {2, 17, 17, 17, 9, 31, {5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}},
    {18, 16, 16, 16, 5, 5, {5, 5}, {2, 2}, {1, 1}, {2, 2, 2, 2}},
    {1, 40, 40, 40, 11, 13, {3, 3}, {1, 1}, {2, 2}, {2, 2, 2, 2}},
    {2, 33, 33, 33, 9, 11, {3, 5}, {2, 3}, {2, 2}, {1, 4, 3, 0}},
    {1, 24, 24, 24, 3, 3, {7, 7}, {1, 1}, {1, 1}, {3, 3, 3, 3}},
    {1, 16, 16, 16, 2, 2, {9, 9}, {1, 1}, {1, 1}, {4, 4, 4, 4}},
    {1, 16, 16, 16, 12, 12, {5, 5}, {1, 1}, {2, 2}, {0, 0, 0, 0}},
    // One filter a channel in several bands, and with every stride that leaves rows or taps without a partner.
    {2, 17, 17, 17, 41, 37, {5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}},
    {1, 16, 16, 16, 70, 12, {7, 7}, {1, 1}, {1, 1}, {3, 3, 3, 3}},
    {2, 16, 16, 16, 33, 30, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}},
    {2, 16, 16, 16, 32, 32, {5, 5}, {2, 2}, {1, 1}, {2, 2, 2, 2}},
    {2, 16, 16, 16, 17, 32, {5, 5}, {2, 2}, {2, 2}, {4, 4, 4, 4}},
    {2, 16, 16, 16, 9, 10, {1, 1}, {2, 3}, {1, 1}, {0, 0, 0, 0}},
    {1, 16, 16, 16, 9, 10, {2, 2}, {3, 3}, {1, 2}, {0, 1, 0, 1}},
    {1, 16, 16, 16, 3, 2000, {5, 3}, {1, 1}, {1, 1}, {2, 1, 2, 1}},
    // Outputs of nothing but padding, an image of one column.
    {2, 17, 17, 17, 5, 6, {3, 3}, {1, 1}, {1, 1}, {4, 5, 3, 6}},
    {2, 17, 17, 17, 5, 6, {3, 3}, {2, 2}, {1, 1}, {4, 5, 3, 6}},
    {2, 16, 16, 16, 7, 1, {5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}},
    // Single pixels: groups of one to three blocks on either side, several stretches and parts, less than a tile.
    {2, 70, 40, 1, 17, 19, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {5, 33, 17, 1, 24, 24, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {3, 16, 100, 1, 1, 2, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {2, 24, 24, 1, 8, 7, {1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}},
    // By minimal filtering: more tiles than fit a strip or a chunk, images of one tile, odd paddings.
    {6, 17, 33, 1, 19, 24, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {6, 40, 16, 1, 7, 5, {3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {3, 16, 24, 1, 6, 6, {3, 3}, {1, 1}, {1, 1}, {2, 0, 1, 2}},
    {3, 24, 16, 1, 5, 4, {3, 3}, {1, 1}, {1, 1}, {3, 4, 0, 3}},
    {32, 16, 16, 1, 2, 2, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {33, 32, 32, 1, 3, 3, {3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {40, 24, 40, 1, 8, 8, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {9, 64, 96, 2, 9, 8, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {5, 48, 48, 3, 9, 11, {5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}},
    {6, 17, 33, 1, 19, 14, {5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}},
    {8, 16, 24, 1, 5, 7, {5, 5}, {1, 1}, {1, 1}, {4, 0, 3, 5}},
    {9, 24, 16, 1, 7, 9, {7, 7}, {1, 1}, {1, 1}, {3, 3, 3, 3}},
    {9, 17, 33, 1, 11, 12, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}},
    {6, 24, 16, 1, 16, 15, {3, 3}, {2, 2}, {1, 1}, {0, 2, 1, 0}},
    {8, 32, 32, 2, 14, 14, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}},
    {7, 16, 24, 1, 13, 16, {5, 5}, {2, 2}, {1, 1}, {2, 2, 2, 2}},
    {9, 24, 16, 1, 12, 9, {5, 5}, {2, 2}, {1, 1}, {3, 0, 4, 1}},
    {6, 16, 20, 1, 17, 14, {7, 7}, {2, 2}, {1, 1}, {3, 3, 3, 3}},
    {20, 16, 17, 1, 8, 7, {7, 7}, {1, 1}, {1, 1}, {0, 1, 2, 7}},
};

// All of them, and those before the ones for minimal filtering.
inline std::span<const Case> all_cases() { return kCases; }
inline std::span<const Case> direct_cases() { return all_cases().first(31); }

// Which case of the table, for messages.
inline std::string named(const Case& c, const char* what) {
  return std::string(what) + " of case " + std::to_string(&c - kCases.data());
}

inline int64_t outputs_along(const Case& c, size_t axis) {
  const int64_t size = axis == 0 ? c.height : c.width;
  const int64_t reach = c.dilations[axis] * (c.kernel[axis] - 1) + 1;
  return (size + c.padding[axis] + c.padding[axis + 2] - reach) / c.strides[axis] + 1;
}

inline Attrs attrs_of(const Case& c) {
  const auto pair = [](const int64_t* v) { return std::vector<double>(v, v + 2); };
  return {{"strides", pair(c.strides)},
          {"padding", std::vector<double>(c.padding, c.padding + 4)},
          {"dilations", pair(c.dilations)},
          {"groups", static_cast<double>(c.groups)}};
}

// x, w, b, y of a case with random contents.
struct Operands {
  explicit Operands(const Case& c, const Arithmetic& a = floats())
      : x(a.random({c.batch, c.channels, c.height, c.width}, 1, 1)),
        w(a.random({c.filters, c.channels / c.groups, c.kernel[0], c.kernel[1]}, 2, 1)),
        b(a.random({c.filters}, 3, 1)),
        y(a.random({c.batch, c.filters, outputs_along(c, 0), outputs_along(c, 1)}, 4, 1)) {
    w.weight = true;
  }

  Tensor x, w, b, y;
};

// Calls visit(x, w, y), flat indices, for each product that y sums.
template <class Visit>
void for_each_product(const Case& c, const Tensor& y, Visit&& visit) {
  const int64_t depth = c.channels / c.groups, height = y.dims[2], width = y.dims[3];
  for (int64_t out = 0; out < elements(y.dims); ++out) {
    const int64_t q = out % width, p = out / width % height;
    const int64_t o = out / width / height % c.filters, n = out / width / height / c.filters;
    for (int64_t tap = 0; tap < depth * c.kernel[0] * c.kernel[1]; ++tap) {
      const int64_t j = tap % c.kernel[1], i = tap / c.kernel[1] % c.kernel[0];
      const int64_t channel = o / (c.filters / c.groups) * depth + tap / c.kernel[1] / c.kernel[0];
      const int64_t h = p * c.strides[0] - c.padding[0] + i * c.dilations[0];
      const int64_t v = q * c.strides[1] - c.padding[1] + j * c.dilations[1];
      if (h < 0 || h >= c.height || v < 0 || v >= c.width) continue;
      visit(((n * c.channels + channel) * c.height + h) * c.width + v,
            o * depth * c.kernel[0] * c.kernel[1] + tap, out);
    }
  }
}

inline int64_t channel_of(const Tensor& y, int64_t index) {
  return index / (y.dims[2] * y.dims[3]) % y.dims[1];
}

// How much more coarsely than a direct sum minimal filtering may round, by the number of its points. What it
// does round, against a direct sum: twice at six, 5 times at eight, 13 times in the gradient of a 7x7 filter.
inline double coarseness(const Case& c) {
  const bool square = c.kernel[0] == c.kernel[1] && c.strides[0] == c.strides[1];
  if (!square || c.groups == c.channels || c.strides[0] > 2 || c.dilations[0] > 1) return 1.0;
  if (c.kernel[0] < (c.strides[0] == 1 ? 3 : 5)) return 1.0;
  return c.kernel[0] / c.strides[0] < 5 ? 2.0 : 16.0;
}

// Sums of at most 500 products of magnitude 1 in float: 500 * 2^-24 = 3e-5; of more, as much more.
inline double tolerance(const Case& c, int64_t products) {
  return coarseness(c) * std::max(3e-5, static_cast<double>(products) * 0x1p-24);
}

// For an output, the gradient of a pixel, the gradient of a weight.
inline double output_tolerance(const Case& c) {
  return tolerance(c, c.channels / c.groups * c.kernel[0] * c.kernel[1]);
}
inline double image_tolerance(const Case& c) {
  return tolerance(c, c.filters / c.groups * c.kernel[0] * c.kernel[1]);
}
inline double weight_tolerance(const Case& c) {
  return tolerance(c, c.batch * outputs_along(c, 0) * outputs_along(c, 1));
}

inline void expect_outputs(const Arithmetic& a, std::span<const Case> cases) {
  for (const Case& c : cases) {
    const Operands o(c, a);
    Tensor expected = zeros(o.y.dims);
    for (int64_t i = 0; i < elements(o.y.dims); ++i) expected[i] = o.b[channel_of(o.y, i)];
    for_each_product(c, o.y, [&](int64_t x, int64_t w, int64_t y) {
      expected[y] += o.x[x] * o.w[w];
    });
    expect_close(run(a.entry("conv"), attrs_of(c), {o.x, o.w, o.b}, zeros(o.y.dims)), expected,
                 output_tolerance(c), named(c, "y"));
  }
}

inline void expect_rectified_outputs(const Arithmetic& a, std::span<const Case> cases) {
  for (const Case& c : cases) {
    const Operands o(c, a);
    Tensor expected = zeros(o.y.dims);
    for_each_product(c, o.y, [&](int64_t x, int64_t w, int64_t y) {
      expected[y] += o.x[x] * o.w[w];
    });
    for (double& value : expected.data) value = std::max(value, 0.0);
    Attrs attrs = attrs_of(c);
    attrs.emplace("epilogue", "relu");
    expect_close(run(a.entry("conv"), attrs, {o.x, o.w}, zeros(o.y.dims)), expected,
                 output_tolerance(c), named(c, "y"));
  }
}

inline void expect_image_gradients(const Arithmetic& a, std::span<const Case> cases) {
  for (const Case& c : cases) {
    const Operands o(c, a);
    Tensor expected = zeros(o.x.dims);
    for_each_product(c, o.y, [&](int64_t x, int64_t w, int64_t y) {
      expected[x] += o.w[w] * o.y[y];
    });
    expect_close(run(a.entry("conv_backward_data"), attrs_of(c), {o.y, o.w}, zeros(o.x.dims)), expected,
                 image_tolerance(c), named(c, "dx"));
  }
}

// One filter a channel, as those kernels take it that start from an image.
inline void expect_added_image_gradients(const Arithmetic& a, std::span<const Case> cases) {
  for (const Case& c : cases) {
    if (c.groups != c.channels || c.filters != c.channels) continue;
    const Operands o(c, a);
    Tensor expected = o.x;
    for_each_product(c, o.y, [&](int64_t x, int64_t w, int64_t y) {
      expected[x] += o.w[w] * o.y[y];
    });
    expect_close(run(a.entry("conv_backward_data"), attrs_of(c), {o.y, o.w, o.x}, zeros(o.x.dims)), expected,
                 image_tolerance(c), named(c, "x + dx"));
  }
}

inline void expect_weight_gradients(const Arithmetic& a, std::span<const Case> cases) {
  for (const Case& c : cases) {
    const Operands o(c, a);
    Tensor dw = zeros(o.w.dims), db = zeros(o.b.dims);
    for_each_product(c, o.y, [&](int64_t x, int64_t w, int64_t y) { dw[w] += o.x[x] * o.y[y]; });
    for (int64_t i = 0; i < elements(o.y.dims); ++i) db[channel_of(o.y, i)] += o.y[i];
    std::vector<Tensor> outputs{zeros(o.w.dims), zeros(o.b.dims)};
    outputs[0].weight = true;
    run(a.entry("conv_backward_weights"), attrs_of(c), {o.x, o.y}, outputs);
    expect_close(outputs[0], dw, weight_tolerance(c), named(c, "dw"));
    expect_close(outputs[1], db, weight_tolerance(c), named(c, "db"));
    outputs.pop_back();
    run(a.entry("conv_backward_weights"), attrs_of(c), {o.x, o.y}, outputs);
    expect_close(outputs[0], dw, weight_tolerance(c), named(c, "dw without db"));
  }
}

}  // namespace halfspace::test
