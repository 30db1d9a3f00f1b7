// Sizes at which kernels cut their work differently, and operands that they cannot take.
#include <numeric>

#include "harness.h"

using namespace halfspace;
using namespace halfspace::test;

namespace {

double sum_of(const Tensor& t) { return std::accumulate(t.data.begin(), t.data.end(), 0.0); }

}  // namespace

TEST("a sum of twenty tensors has all of them once") {
  for (bool relu : {false, true}) {
    std::vector<Tensor> inputs;
    Tensor expected = zeros({3, 37});
    for (uint32_t i = 0; i < 20; ++i) {
      inputs.push_back(random({3, 37}, i + 1));
      for (size_t k = 0; k < expected.size(); ++k) expected[k] += inputs.back()[k];
    }
    if (relu) {
      for (double& value : expected.data) value = std::max(value, 0.0);
    }
    const Attrs attrs = relu ? Attrs{{"epilogue", "relu"}} : Attrs{};
    // 20 additions in float of numbers up to 40.
    expect_close(run("sum", attrs, inputs, zeros({3, 37})), expected, 2e-6);
  }
}

TEST("forty parts are joined and split in order") {
  std::vector<Tensor> parts;
  int64_t channels = 0;
  for (uint32_t i = 0; i < 40; ++i) {
    parts.push_back(random({2, 1 + i % 5, 3, 2}, i + 1));
    channels += 1 + i % 5;
  }
  const Tensor whole = run("concat", {{"axis", 1.0}}, parts, zeros({2, channels, 3, 2}));
  std::vector<Tensor> again;
  for (const Tensor& part : parts) again.push_back(zeros(part.dims));
  run("split", {{"axis", 1.0}}, {whole}, again);
  for (size_t i = 0; i < parts.size(); ++i) expect_equal(again[i], parts[i]);
}

TEST("softmax of a long row sums to one and keeps ratios") {
  const Tensor x = random({2, 3000}, 1);
  const Tensor y = run("softmax", {{"axis", -1.0}}, {x}, zeros(x.dims));
  for (int64_t row = 0; row < 2; ++row) {
    double sum = 0;
    for (int64_t i = 0; i < 3000; ++i) sum += y[row * 3000 + i];
    if (std::abs(sum - 1) > 1e-5) failed("row ", row, " sums to ", sum);
    for (int64_t i = 1; i < 3000; ++i) {
      const double ratio = y[row * 3000 + i] / y[row * 3000];
      const double expected = std::exp(x[row * 3000 + i] - x[row * 3000]);
      if (std::abs(ratio - expected) > 1e-5 * expected) failed("ratio ", i, " is ", ratio);
    }
  }
}

TEST("layer normalisation of a long row leaves mean zero and variance one") {
  const int64_t size = 3000;
  std::vector<Tensor> outputs{zeros({2, size}), zeros({2}), zeros({2})};
  Tensor scale = zeros({size});
  for (double& value : scale.data) value = 1;
  run("layer_norm", {{"axis", 1.0}, {"epsilon", 0.0}}, {random({2, size}, 1), scale, zeros({size})},
      outputs);
  for (int64_t row = 0; row < 2; ++row) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < size; ++i) {
      sum += outputs[0][row * size + i];
      squares += outputs[0][row * size + i] * outputs[0][row * size + i];
    }
    if (std::abs(sum / size) > 1e-6 || std::abs(squares / size - 1) > 1e-5) {
      failed("row ", row, " has mean ", sum / size, " and square ", squares / size);
    }
  }
}

TEST("cross entropy of many classes finds the loss and the answers") {
  const int64_t rows = 5, classes = 2000;
  const Tensor logits = random({rows, classes}, 1);
  Tensor labels = zeros({rows}, DType::I32);
  double loss = 0, correct = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const double* z = logits.data.data() + row * classes;
    const int64_t answer = std::max_element(z, z + classes) - z;
    labels[row] = static_cast<double>(row % 2 == 0 ? answer : row);
    double sum = 0;
    for (int64_t k = 0; k < classes; ++k) sum += std::exp(z[k]);
    loss += std::log(sum) - z[static_cast<int64_t>(labels[row])];
    correct += labels[row] == static_cast<double>(answer);
  }
  std::vector<Tensor> outputs{zeros({1}), zeros(logits.dims), zeros({1})};
  run("softmax_cross_entropy", {}, {logits, labels}, outputs);
  expect_close(outputs[0], {DType::F32, {1}, {loss / rows}}, 1e-6, "loss");
  expect_close(outputs[2], {DType::F32, {1}, {correct}}, 0, "correct");
}

TEST("long sums are in double, whichever axes go") {
  const Tensor x = random({3, 2, 70'000}, 1), y = random({3, 2, 70'000}, 2);
  double product = 0;
  for (size_t i = 0; i < x.size(); ++i) product += x[i] * y[i];
  // Only the result is rounded to float.
  expect_close(run("dot", {}, {x, y}, zeros({1})), {DType::F32, {1}, {product}}, 1e-6, "dot");
  expect_close(run("reduce", {{"axes", list({0, 1, 2})}, {"function", "sum"}}, {x}, zeros({1})),
               {DType::F32, {1}, {sum_of(x)}}, 1e-6, "all axes");
  Tensor middle = zeros({2});
  for (size_t i = 0; i < x.size(); ++i) middle[i / 70'000 % 2] += x[i];
  expect_close(run("reduce", {{"axes", list({0, 2})}, {"function", "sum"}}, {x}, zeros({2})),
               middle, 1e-6, "outer axes");
}

TEST("batch statistics of many pixels are in double") {
  const Tensor x = random({2, 3, 150, 200}, 1);
  std::vector<Tensor> outputs{zeros(x.dims), zeros({3}), zeros({3})};
  Tensor ones = zeros({3});
  for (double& value : ones.data) value = 1;
  run("batch_norm", {{"epsilon", 1e-5}}, {x, ones, zeros({3}), zeros({3}), ones}, outputs);
  for (int64_t c = 0; c < 3; ++c) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      if (static_cast<int64_t>(i) / 30'000 % 3 != c) continue;
      sum += x[i];
      squares += x[i] * x[i];
    }
    const double mean = sum / 60'000,
                 inverse = 1 / std::sqrt(squares / 60'000 - mean * mean + 1e-5);
    if (std::abs(outputs[1][c] - mean) > 1e-8) failed("mean ", c, " is ", outputs[1][c]);
    if (std::abs(outputs[2][c] - inverse) > 1e-6) failed("invStd ", c, " is ", outputs[2][c]);
  }
}

TEST("images beyond what a library counts to are refused, with a smaller batch as the way out") {
  if (on_cpu()) skip("the CPU's library counts further");
  Tensor x{DType::F32, {1 << 16, 64, 32, 32}, {}}, w{DType::F32, {64, 64, 3, 3}, {}};
  w.weight = true;
  const KernelEntry& entry = entry_of("conv");
  const Attrs attrs{{"strides", list({1, 1})}, {"padding", list({1, 1, 1, 1})},
                    {"dilations", list({1, 1})}, {"groups", 1.0}};
  std::string message;
  try {
    entry.make(step_of(entry, Attributes(attrs), {x, w}, {x}));
  } catch (const Error& error) {
    message = error.what();
  }
  if (message.find("up to 2147483647 elements, and this one has 4294967296; a smaller batch") ==
      std::string::npos) {
    failed("was told: ", message);
  }
}

TEST("large images change their layout without losing a pixel") {
  const Tensor x = random({2, 35, 9, 37}, 1);
  expect_equal(run("reshape", {}, {x}, zeros({2 * 35, 9 * 37})),
               {DType::F32, {2 * 35, 9 * 37}, x.data});
}

TEST("integers are refused where images of floats are expected") {
  const Tensor x = zeros({1, 2, 4, 4}, DType::I32), one = zeros({1, 2, 1, 1}, DType::I32);
  const Attrs window{{"kernel", list({1, 1})}, {"strides", list({1, 1})}, {"padding", list({0, 0, 0, 0})},
                     {"dilations", list({1, 1})}};
  const Attrs resize{{"mode", std::string("nearest")}, {"coordinates", std::string("half_pixel")}};
  expect_refused([&] { run("max_pool", window, {x}, x); });
  expect_refused([&] { run("max_pool_backward", window, {x, x}, x); });
  expect_refused([&] { run("average_pool", window, {x}, x); });
  expect_refused([&] { run("average_pool_backward", window, {x}, x); });
  expect_refused([&] { run("global_average_pool", {}, {x}, one); });
  expect_refused([&] { run("global_average_pool_backward", {}, {one}, x); });
  expect_refused([&] { run("resize", resize, {x}, x); });
  expect_refused([&] { run("resize_backward", resize, {x}, x); });
  const Tensor channel = zeros({2});
  expect_refused([&] { run("batch_norm_inference", {{"epsilon", 1e-5}}, {x, channel, channel, channel, channel}, x); });
}
