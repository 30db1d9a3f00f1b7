// Holds products of matrices and fully connected layers to plain loops.
#pragma once

#include "arithmetic.h"

namespace halfspace::test {

struct Product {
  Dims a, b, y;
  bool transpose_a, transpose_b;
};

inline const std::vector<Product> kProducts = {
    {{5, 7}, {7, 3}, {5, 3}, false, false},
    {{7, 5}, {3, 7}, {5, 3}, true, true},
    {{2, 3, 5, 7}, {2, 3, 7, 4}, {2, 3, 5, 4}, false, false},
    {{6, 5, 7}, {6, 4, 7}, {6, 5, 4}, false, true},
    {{6, 7, 5}, {6, 7, 4}, {6, 5, 4}, true, false},
    {{6, 5, 7}, {7, 4}, {6, 5, 4}, false, false},
    {{6, 7, 5}, {7, 4}, {6, 5, 4}, true, false},
    {{1, 1}, {1, 1}, {1, 1}, false, false},
};

inline void expect_stacked_products(const Arithmetic& arithmetic) {
  for (const Product& p : kProducts) {
    const Tensor a = arithmetic.random(p.a, 8, 2), b = arithmetic.random(p.b, 9, 2);
    Tensor y = zeros(p.y);
    const int64_t rows = p.y[p.y.size() - 2], columns = p.y.end()[-1];
    const int64_t inner = p.transpose_a ? p.a[p.a.size() - 2] : p.a.end()[-1];
    const bool shared = b.size() == size_t(inner * columns);
    for (size_t i = 0; i < y.size(); ++i) {
      const int64_t column = i % columns, row = i / columns % rows, stack = i / columns / rows;
      for (int64_t k = 0; k < inner; ++k) {
        const int64_t left = p.transpose_a ? k * rows + row : row * inner + k;
        const int64_t right = p.transpose_b ? column * inner + k : k * columns + column;
        y[i] += a[stack * rows * inner + left] * b[(shared ? 0 : stack) * inner * columns + right];
      }
    }
    const Attrs attrs{{"transposeA", p.transpose_a}, {"transposeB", p.transpose_b}};
    // Seven products of float each.
    expect_close(run(arithmetic.entry("matmul"), attrs, {a, b}, zeros(p.y)), y, 2e-6);
  }
}

// Batch, inputs and outputs of a layer.
struct Layer {
  int64_t batch, inputs, outputs;
};

inline constexpr Layer kLayers[] = {{1, 1, 1}, {3, 7, 5}, {17, 33, 10}, {8, 64, 48}};

// x [N,I], w [O,I], b [O], y [N,O] with random contents.
struct LayerOperands {
  LayerOperands(const Layer& layer, const Arithmetic& a)
      : x(a.random({layer.batch, layer.inputs}, 1, 1)),
        w(a.random({layer.outputs, layer.inputs}, 2, 1)),
        b(a.random({layer.outputs}, 3, 1)),
        y(a.random({layer.batch, layer.outputs}, 4, 1)) {}

  // Calls visit(x, w, y), flat indices, for each product that y sums.
  template <class Visit>
  void for_each_product(Visit&& visit) const {
    const int64_t inputs = x.dims[1], outputs = y.dims[1];
    for (int64_t out = 0; out < elements(y.dims); ++out) {
      const int64_t row = out / outputs, column = out % outputs;
      for (int64_t i = 0; i < inputs; ++i) visit(row * inputs + i, column * inputs + i, out);
    }
  }

  Tensor x, w, b, y;
};

// Sums of at most 64 products of magnitude 1, and a bias.
inline constexpr double kLayerTolerance = 65 * 0x1p-24;

inline void expect_layers(const Arithmetic& a) {
  for (const Layer& layer : kLayers) {
    const LayerOperands o(layer, a);
    Tensor y = zeros(o.y.dims);
    o.for_each_product([&](int64_t x, int64_t w, int64_t out) { y[out] += o.x[x] * o.w[w]; });
    expect_close(run(a.entry("linear"), {}, {o.x, o.w}, zeros(y.dims)), y, kLayerTolerance, "y");
    for (int64_t i = 0; i < elements(y.dims); ++i) y[i] = std::max(y[i] + o.b[i % layer.outputs], 0.0);
    const Attrs relu{{"epilogue", "relu"}};
    expect_close(run(a.entry("linear"), relu, {o.x, o.w, o.b}, zeros(y.dims)), y, kLayerTolerance, "relu(y)");
  }
}

inline void expect_layer_gradients(const Arithmetic& a) {
  for (const Layer& layer : kLayers) {
    const LayerOperands o(layer, a);
    Tensor dx = zeros(o.x.dims), dw = zeros(o.w.dims), db = zeros(o.b.dims);
    o.for_each_product([&](int64_t x, int64_t w, int64_t y) {
      dx[x] += o.w[w] * o.y[y];
      dw[w] += o.x[x] * o.y[y];
    });
    for (int64_t i = 0; i < elements(o.y.dims); ++i) db[i % layer.outputs] += o.y[i];
    expect_close(run(a.entry("linear_backward_data"), {}, {o.y, o.w}, zeros(dx.dims)), dx,
                 kLayerTolerance, "dx");
    std::vector<Tensor> outputs{zeros(dw.dims), zeros(db.dims)};
    run(a.entry("linear_backward_weights"), {}, {o.x, o.y}, outputs);
    expect_close(outputs[0], dw, kLayerTolerance, "dw");
    expect_close(outputs[1], db, kLayerTolerance, "db");
  }
}

}  // namespace halfspace::test
