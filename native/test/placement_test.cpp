// Tensors of an arena are aligned to their element alone, so every kernel must give the same where
// its operands begin anywhere. Whether what it gives is right, other tests say.
#include "harness.h"

using namespace halfspace;
using namespace halfspace::test;

namespace {

struct Case {
  const char* kernel;
  Attrs attrs;
  std::vector<Tensor> inputs, outputs;
};

std::vector<Tensor> shaped(std::initializer_list<Dims> dims) {
  std::vector<Tensor> all;
  for (const auto& d : dims) all.push_back(random(d, static_cast<uint32_t>(all.size() + 1), 1));
  return all;
}

Tensor weight(Dims dims) {
  Tensor t = random(std::move(dims), 9, 1);
  t.weight = true;
  return t;
}

const Attrs kWindow{
    {"kernel", list({3, 3})}, {"strides", list({1, 1})}, {"padding", list({1, 1, 1, 1})}};
const Attrs kFilter{{"strides", list({1, 1})},
                    {"padding", list({1, 1, 1, 1})},
                    {"dilations", list({1, 1})},
                    {"groups", 8.0}};

std::vector<Case> elementwise() {
  const Dims flat{203};
  return {{"unary", {{"function", "tanh"}}, shaped({flat}), shaped({flat})},
          {"unary_backward", {{"function", "silu"}}, shaped({flat, flat, flat}), shaped({flat})},
          {"sum", {}, shaped({flat, flat, flat}), shaped({flat})},
          {"binary", {{"function", "mul"}}, shaped({{5, 8}, {5, 8}}), shaped({{5, 8}})},
          {"binary", {{"function", "sub"}}, shaped({{5, 8}, {5, 1}}), shaped({{5, 8}})},
          {"dot", {}, shaped({flat, flat}), shaped({{1}})}};
}

std::vector<Case> movement() {
  const Attrs cut{{"axes", list({0})}, {"starts", list({1})}, {"steps", list({2})}};
  return {
      {"slice", cut, shaped({{9, 8}}), shaped({{4, 8}})},
      {"pad", cut, shaped({{4, 8}}), shaped({{9, 8}})},
      {"transpose", {{"permutation", list({0, 2, 1})}}, shaped({{2, 8, 12}}), shaped({{2, 12, 8}})},
      {"transpose", {{"permutation", list({1, 0, 2})}}, shaped({{3, 5, 8}}), shaped({{5, 3, 8}})},
      {"expand", {{"factor", 2.0}}, shaped({{3, 1, 8}}), shaped({{3, 4, 8}})},
      {"concat", {{"axis", 1.0}}, shaped({{3, 8}, {3, 4}}), shaped({{3, 12}})},
      {"split", {{"axis", 1.0}}, shaped({{3, 12}}), shaped({{3, 8}, {3, 4}})},
      {"reduce", {{"axes", list({0})}, {"function", "sum"}}, shaped({{7, 8}}), shaped({{8}})}};
}

std::vector<Case> rows() {
  return {{"softmax", {{"axis", 1.0}}, shaped({{3, 40}}), shaped({{3, 40}})},
          {"layer_norm",
           {{"axis", 1.0}, {"epsilon", 1e-5}},
           shaped({{3, 40}, {40}, {40}}),
           shaped({{3, 40}, {3}, {3}})}};
}

std::vector<Case> images() {
  const Dims image{2, 8, 4, 4}, channels{8};
  const Attrs half{{"mode", "linear"}, {"coordinates", "half_pixel"}};
  return {{"batch_norm",
           {{"epsilon", 1e-5}},
           shaped({image, channels, channels, channels, channels}),
           shaped({image, channels, channels})},
          {"max_pool", kWindow, shaped({image}), shaped({image})},
          {"average_pool", kWindow, shaped({image}), shaped({image})},
          {"average_pool_backward", kWindow, shaped({image}), shaped({image})},
          {"resize", half, shaped({image}), shaped({{2, 8, 8, 7}})},
          {"resize_backward", half, shaped({{2, 8, 8, 7}}), shaped({image})},
          {"conv", kFilter, {random(image, 1, 1), weight({8, 1, 3, 3})}, shaped({image})},
          {"conv_backward_weights", kFilter, shaped({image, image}), {weight({8, 1, 3, 3})}}};
}

void expect_same_anywhere(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    std::vector<Tensor> aligned = c.outputs, shifted = c.outputs;
    run(c.kernel, c.attrs, c.inputs, aligned);
    run(c.kernel, c.attrs, c.inputs, shifted, {}, 1);
    // Vectors may change the order in which at most 200 terms of magnitude 1 are added.
    for (size_t i = 0; i < aligned.size(); ++i) {
      expect_close(shifted[i], aligned[i], 1e-5, c.kernel);
    }
  }
}

}  // namespace

TEST("element-wise kernels take operands that begin anywhere") {
  expect_same_anywhere(elementwise());
}

TEST("movement takes operands that begin anywhere") { expect_same_anywhere(movement()); }

TEST("kernels over rows take operands that begin anywhere") { expect_same_anywhere(rows()); }

TEST("kernels over images take operands that begin anywhere") { expect_same_anywhere(images()); }

TEST("the update takes arenas that begin anywhere") {
  for (const char* rule : {"sgd", "adamw"}) {
    const bool adam = rule == std::string("adamw");
    const int64_t n = 5003;
    const Tensor hyper{DType::F64, {10}, {0.1, 0.9, 0.99, 0.01, 1e-8, 3, 0.01, 2, 10, 0.5}};
    const Tensor ceilings{DType::F64, {3}, {3.0, std::numeric_limits<double>::infinity(), 0.0}};
    const Attrs attrs{{"rule", rule},
                      {"groupCount", 3.0},
                      {"spans", list({0, 3, 2500, 1, 1, 2600, 20, 1, 2, 2620, 9, 1})}};
    std::vector<Tensor> inputs{random({n}, 1), random({n}, 2), random({n}, 3)};
    std::map<size_t, size_t> in_place{{0, 0}, {1, 2}};
    if (adam) {
      inputs.push_back(random({n}, 4));
      for (double& value : inputs[3].data) value = std::abs(value);
      in_place[2] = 3;
    }
    std::vector<Tensor> aligned{inputs[0], inputs[2]};
    if (adam) aligned.push_back(inputs[3]);
    aligned.push_back(zeros({3, 6}, DType::F64));
    inputs.push_back(hyper);
    inputs.push_back(ceilings);
    std::vector<Tensor> shifted = aligned;
    run("update", attrs, inputs, aligned, in_place);
    run("update", attrs, inputs, shifted, in_place, 1);
    for (size_t i = 0; i < aligned.size(); ++i) expect_close(shifted[i], aligned[i], 1e-6, rule);
  }
}
