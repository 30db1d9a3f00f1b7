// Kernels over tensors of any rank against index arithmetic: movement, broadcasting, reductions,
// products, softmax and layer normalisation.
#include "harness.h"

using namespace halfspace;
using namespace halfspace::test;

namespace {

std::vector<double> doubles(const Dims& values) { return {values.begin(), values.end()}; }

Dims position_of(int64_t index, const Dims& dims) {
  Dims position(dims.size());
  for (size_t i = dims.size(); i-- > 0; index /= dims[i]) position[i] = index % dims[i];
  return position;
}

int64_t index_of(const Dims& position, const Dims& dims) {
  int64_t index = 0;
  for (size_t i = 0; i < dims.size(); ++i) index = index * dims[i] + position[i];
  return index;
}

// Where element `position` of the larger shape lies in a tensor that broadcasts to it.
int64_t broadcast_index(const Dims& position, const Dims& dims) {
  Dims own(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    own[i] = dims[i] == 1 ? 0 : position[position.size() - dims.size() + i];
  }
  return index_of(own, dims);
}

struct Cut {
  Dims whole, part, axes, starts, steps;

  Attrs attrs() const {
    return {{"axes", doubles(axes)}, {"starts", doubles(starts)}, {"steps", doubles(steps)}};
  }
  int64_t place(int64_t index) const {
    Dims position = position_of(index, part);
    for (size_t i = 0; i < axes.size(); ++i) {
      position[axes[i]] = starts[i] + position[axes[i]] * steps[i];
    }
    return index_of(position, whole);
  }
};

const std::vector<Cut> kCuts = {
    {{2, 17, 6, 5}, {2, 17, 3, 5}, {2}, {1}, {2}},
    {{2, 17, 6, 5}, {2, 17, 4, 2}, {2, 3}, {5, 3}, {-1, -2}},
    {{2, 20, 3, 3}, {1, 5, 3, 3}, {0, 1}, {1, 3}, {1, 4}},
    {{7, 9}, {3, 9}, {0}, {6}, {-3}},
    {{5}, {5}, {0}, {4}, {-1}},
    {{4, 3, 5}, {4, 1, 5}, {1}, {2}, {1}},
    {{3, 4}, {3, 4}, {}, {}, {}},
};

}  // namespace

TEST("slice takes every step-th element, backwards too") {
  for (const Cut& cut : kCuts) {
    const Tensor x = random(cut.whole, 1);
    Tensor y = zeros(cut.part);
    for (size_t i = 0; i < y.size(); ++i) y[i] = x[cut.place(i)];
    expect_equal(run("slice", cut.attrs(), {x}, zeros(cut.part)), y);
  }
}

TEST("pad puts elements where slice would take them, and a value elsewhere") {
  for (const Cut& cut : kCuts) {
    for (double value : {0.0, -1.5}) {
      const Tensor x = random(cut.part, 2);
      Tensor y = zeros(cut.whole);
      for (double& element : y.data) element = value;
      for (size_t i = 0; i < x.size(); ++i) y[cut.place(i)] = x[i];
      Attrs attrs = cut.attrs();
      attrs["value"] = value;
      expect_equal(run("pad", attrs, {x}, zeros(cut.whole)), y);
    }
  }
}

TEST("slices that leave the tensor are refused") {
  const auto slice = [](double start, double step, int64_t count) {
    run("slice", {{"axes", list({0})}, {"starts", list({start})}, {"steps", list({step})}},
        {zeros({5})}, zeros({count}));
  };
  slice(4, -1, 5);
  expect_refused([&] { slice(0, 1, 6); });
  expect_refused([&] { slice(0, 2, 4); });
  expect_refused([&] { slice(3, -1, 5); });
  expect_refused([&] { slice(5, 1, 1); });
  expect_refused([&] { slice(-1, 1, 1); });
  expect_refused([&] { slice(0, 0, 1); });
}

TEST("transpose permutes axes") {
  for (const auto& [dims, permutation] :
       std::vector<std::pair<Dims, Dims>>{{{5, 7}, {1, 0}},
                                          {{2, 3, 4}, {2, 0, 1}},
                                          {{2, 3, 4}, {0, 2, 1}},
                                          {{2, 3, 4, 5}, {0, 2, 3, 1}},
                                          {{2, 3, 4, 5, 2}, {4, 1, 0, 3, 2}}}) {
    Dims result;
    for (int64_t axis : permutation) result.push_back(dims[axis]);
    const Tensor x = random(dims, 3);
    Tensor y = zeros(result);
    for (size_t i = 0; i < x.size(); ++i) {
      const Dims from = position_of(i, dims);
      Dims to;
      for (int64_t axis : permutation) to.push_back(from[axis]);
      y[index_of(to, result)] = x[i];
    }
    expect_equal(run("transpose", {{"permutation", doubles(permutation)}}, {x}, zeros(result)), y);
  }
}

TEST("expand repeats along axes of size one, times a factor") {
  for (const auto& [from, to] : std::vector<std::pair<Dims, Dims>>{{{1, 7}, {5, 7}},
                                                                   {{5, 1}, {5, 7}},
                                                                   {{7}, {5, 7}},
                                                                   {{2, 1, 3}, {2, 40, 3}},
                                                                   {{2, 17, 1, 1}, {2, 17, 5, 3}},
                                                                   {{1, 17, 5, 1}, {2, 17, 5, 3}},
                                                                   {{1}, {300}}}) {
    const Tensor x = random(from, 4);
    Tensor y = zeros(to);
    for (size_t i = 0; i < y.size(); ++i)
      y[i] = 0.25 * x[broadcast_index(position_of(i, to), from)];
    expect_equal(run("expand", {{"factor", 0.25}}, {x}, zeros(to)), y);
  }
}

TEST("arithmetic broadcasts like the index arithmetic says") {
  const std::map<std::string, double (*)(double, double)> functions = {
      {"add", [](double a, double b) { return a + b; }},
      {"sub", [](double a, double b) { return a - b; }},
      {"mul", [](double a, double b) { return a * b; }},
      {"div", [](double a, double b) { return a / b; }}};
  const std::vector<std::array<Dims, 3>> shapes = {{{{5, 7}, {5, 7}, {5, 7}}},
                                                   {{{5, 7}, {7}, {5, 7}}},
                                                   {{{5, 1}, {1, 7}, {5, 7}}},
                                                   {{{1}, {3, 2}, {3, 2}}},
                                                   {{{2, 3, 4}, {3, 1}, {2, 3, 4}}},
                                                   {{{2, 17, 3, 3}, {2, 17, 1, 1}, {2, 17, 3, 3}}},
                                                   {{{1, 17, 1, 3}, {2, 17, 3, 1}, {2, 17, 3, 3}}},
                                                   {{{70, 300}, {70, 1}, {70, 300}}}};
  for (const auto& [name, f] : functions) {
    for (const auto& [left, right, result] : shapes) {
      const Tensor a = random(left, 5), b = random(right, 6);
      Tensor y = zeros(result);
      for (size_t i = 0; i < y.size(); ++i) {
        const Dims position = position_of(i, result);
        y[i] = f(a[broadcast_index(position, left)], b[broadcast_index(position, right)]);
      }
      expect_close(run("binary", {{"function", name}}, {a, b}, zeros(result)), y, 1e-7);
    }
  }
}

TEST("sums and means over axes agree with plain loops, with the axes kept or gone") {
  for (const auto& [dims, axes] : std::vector<std::pair<Dims, Dims>>{{{5, 7}, {0}},
                                                                     {{5, 7}, {1}},
                                                                     {{5, 7}, {0, 1}},
                                                                     {{3, 4, 130}, {0, 1}},
                                                                     {{3, 4, 130}, {1}},
                                                                     {{3, 4, 130}, {0, 2}},
                                                                     {{2, 17, 3, 5}, {2, 3}},
                                                                     {{2, 17, 3, 5}, {0, 3}},
                                                                     {{2, 17, 3, 5}, {1}},
                                                                     {{9}, {0}},
                                                                     {{4, 5}, {}}}) {
    Dims kept = dims, gone;
    double count = 1;
    for (int64_t axis : axes) count *= static_cast<double>(dims[axis]), kept[axis] = 1;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (!std::count(axes.begin(), axes.end(), int64_t(i))) gone.push_back(dims[i]);
    }
    const Tensor x = random(dims, 7);
    Tensor sum = zeros(kept);
    for (size_t i = 0; i < x.size(); ++i) sum[broadcast_index(position_of(i, dims), kept)] += x[i];
    const auto reduce = [&](const char* function, const Dims& shape) {
      const Attrs attrs{{"axes", doubles(axes)}, {"function", std::string(function)}};
      Tensor y = run("reduce", attrs, {x}, zeros(shape));
      y.dims = kept;
      return y;
    };
    expect_close(reduce("sum", kept), sum, 1e-6);
    expect_close(reduce("sum", gone), sum, 1e-6);
    for (double& value : sum.data) value /= count;
    expect_close(reduce("mean", kept), sum, 1e-6);
  }
}

TEST("softmax and its gradient agree with the formula along any axis") {
  for (const auto& [dims, axis] : std::vector<std::pair<Dims, int64_t>>{{{5, 7}, 1},
                                                                        {{5, 7}, 0},
                                                                        {{3, 40, 33}, 1},
                                                                        {{3, 4, 130}, 2},
                                                                        {{2, 1, 3}, 1},
                                                                        {{2, 3, 4, 5}, 1},
                                                                        {{6}, 0}}) {
    const Tensor x = random(dims, 10, 5.0), dy = random(dims, 11);
    Dims kept = dims;
    kept[axis] = 1;
    Tensor y = zeros(dims), dx = zeros(dims), sum = zeros(kept), products = zeros(kept);
    const auto at = [&, &d = dims](size_t i) { return broadcast_index(position_of(i, d), kept); };
    for (size_t i = 0; i < x.size(); ++i) sum[at(i)] += std::exp(x[i]);
    for (size_t i = 0; i < x.size(); ++i) y[i] = std::exp(x[i]) / sum[at(i)];
    for (size_t i = 0; i < x.size(); ++i) products[at(i)] += dy[i] * y[i];
    for (size_t i = 0; i < x.size(); ++i) dx[i] = y[i] * (dy[i] - products[at(i)]);
    const Attrs attrs{{"axis", double(axis)}};
    const Tensor actual = run("softmax", attrs, {x}, zeros(dims));
    expect_close(actual, y, 1e-6);
    expect_close(run("softmax_backward", attrs, {dy, actual}, zeros(dims)), dx, 1e-6);
  }
}

TEST("layer normalisation and its gradient agree with the textbook formula") {
  constexpr double kEpsilon = 1e-5;
  for (const auto& [dims, axis] : std::vector<std::pair<Dims, int64_t>>{
           {{5, 7}, 1}, {{3, 4, 130}, 2}, {{100, 3, 5}, 1}, {{2, 9}, 0}}) {
    const std::vector<int64_t> inner(dims.begin() + axis, dims.end()), outer(dims.begin(), dims.begin() + axis);
    const int64_t size = elements(inner), rows = elements(outer);
    const Tensor x = random(dims, 12), dy = random(dims, 13), scale = random(inner, 14);
    const Tensor bias = random(inner, 15);
    Tensor y = zeros(dims), dx = zeros(dims), mean = zeros(outer), inverse = zeros(outer);
    Tensor dscale = zeros(inner), dbias = zeros(inner);
    for (int64_t r = 0; r < rows; ++r) {
      double variance = 0, g = 0, gh = 0;
      for (int64_t i = 0; i < size; ++i) mean[r] += x[r * size + i] / size;
      for (int64_t i = 0; i < size; ++i) variance += std::pow(x[r * size + i] - mean[r], 2) / size;
      inverse[r] = 1 / std::sqrt(variance + kEpsilon);
      const auto h = [&](int64_t i) { return (x[r * size + i] - mean[r]) * inverse[r]; };
      for (int64_t i = 0; i < size; ++i) {
        const double upstream = dy[r * size + i];
        y[r * size + i] = h(i) * scale[i] + bias[i];
        g += upstream * scale[i] / size;
        gh += upstream * scale[i] * h(i) / size;
        dscale[i] += upstream * h(i);
        dbias[i] += upstream;
      }
      for (int64_t i = 0; i < size; ++i) {
        dx[r * size + i] = inverse[r] * (dy[r * size + i] * scale[i] - g - h(i) * gh);
      }
    }
    const Attrs attrs{{"axis", double(axis)}, {"epsilon", kEpsilon}};
    std::vector<Tensor> forward{zeros(dims), zeros(outer), zeros(outer)};
    run("layer_norm", attrs, {x, scale, bias}, forward);
    expect_close(forward[0], y, 2e-6, "y");
    expect_close(forward[1], mean, 2e-6, "mean");
    expect_close(forward[2], inverse, 2e-6, "invStd");
    std::vector<Tensor> backward{zeros(dims), zeros(inner), zeros(inner)};
    run("layer_norm_backward", attrs, {x, dy, scale, forward[1], forward[2]}, backward);
    expect_close(backward[0], dx, 3e-6, "dx");
    expect_close(backward[1], dscale, 5e-6, "dscale");
    expect_close(backward[2], dbias, 5e-6, "dbias");
  }
}

TEST("layer normalisation without scale and bias is that by ones and zeros") {
  const Dims dims{3, 4, 130}, outer{3, 4};
  const Tensor x = random(dims, 12), dy = random(dims, 13);
  Tensor ones = zeros({130});
  for (size_t i = 0; i < ones.size(); ++i) ones[i] = 1;
  const Attrs attrs{{"axis", 2.0}, {"epsilon", 1e-5}};
  std::vector<Tensor> plain{zeros(dims), zeros(outer), zeros(outer)}, scaled = plain;
  run("layer_norm", attrs, {x}, plain);
  run("layer_norm", attrs, {x, ones, zeros({130})}, scaled);
  for (size_t i = 0; i < 3; ++i) expect_close(plain[i], scaled[i], 1e-7);
  std::vector<Tensor> dx{zeros(dims)}, all{zeros(dims), zeros({130}), zeros({130})};
  run("layer_norm_backward", attrs, {x, dy, plain[1], plain[2]}, dx);
  run("layer_norm_backward", attrs, {x, dy, ones, plain[1], plain[2]}, all);
  expect_close(dx[0], all[0], 1e-7);
}
