// Concatenation and split against plain index arithmetic.
#include "harness.h"

using namespace halfspace;
using namespace halfspace::test;

namespace {

struct Case {
  Dims shape;  // of one part, its axis replaced by each of `sizes`
  size_t axis;
  std::vector<int64_t> sizes;
};

const std::vector<Case> kCases = {
    {{2, 0, 3, 5}, 1, {16, 32}}, {{2, 0, 3, 5}, 1, {3, 1, 17}},
    {{1, 0, 4, 4}, 1, {16, 8}},  {{1, 0, 2, 3}, 1, {24, 33, 16, 5}},
    {{3, 0, 1, 1}, 1, {7}},      {{0, 17, 2, 3}, 0, {1, 2}},
    {{2, 17, 0, 3}, 2, {1, 4}},  {{2, 3, 2, 0}, 3, {5, 1, 2}},
    {{0, 5}, 0, {2, 3}},         {{3, 0}, 1, {2, 5, 1}},
    {{2, 0, 3}, 1, {4, 1}},      {{0}, 0, {3, 2}},
};

Dims shape_of(const Case& c, int64_t size) {
  Dims shape = c.shape;
  shape[c.axis] = size;
  return shape;
}

std::vector<Tensor> parts_of(const Case& c) {
  std::vector<Tensor> parts;
  for (size_t i = 0; i < c.sizes.size(); ++i) parts.push_back(random(shape_of(c, c.sizes[i]), i));
  return parts;
}

Tensor whole_of(const Case& c, const std::vector<Tensor>& parts) {
  int64_t total = 0, inner = 1;
  for (int64_t size : c.sizes) total += size;
  Tensor whole = zeros(shape_of(c, total));
  for (size_t i = c.axis + 1; i < c.shape.size(); ++i) inner *= c.shape[i];
  int64_t before = 0;
  for (const Tensor& part : parts) {
    const int64_t size = part.dims[c.axis];
    for (size_t i = 0; i < part.size(); ++i) {
      const int64_t in = i % inner, at = i / inner % size, out = i / inner / size;
      whole[(out * total + before + at) * inner + in] = part[i];
    }
    before += size;
  }
  return whole;
}

}  // namespace

TEST("concatenation joins along any axis, whatever the number of channels") {
  for (const Case& c : kCases) {
    const auto parts = parts_of(c);
    const Tensor whole = whole_of(c, parts);
    expect_equal(run("concat", {{"axis", double(c.axis)}}, parts, zeros(whole.dims)), whole);
  }
}

TEST("split gives back what concatenation joined") {
  for (const Case& c : kCases) {
    const auto parts = parts_of(c);
    std::vector<Tensor> actual;
    for (const Tensor& part : parts) actual.push_back(zeros(part.dims));
    run("split", {{"axis", double(c.axis)}}, {whole_of(c, parts)}, actual);
    for (size_t i = 0; i < parts.size(); ++i) expect_equal(actual[i], parts[i]);
  }
}

TEST("parts that do not add up to the whole are refused") {
  const Tensor part = zeros({1, 3, 2, 2});
  expect_refused([&] { run("concat", {{"axis", 1.0}}, {part, part}, zeros({1, 7, 2, 2})); });
  expect_refused([&] { run("concat", {{"axis", 4.0}}, {part, part}, zeros({1, 6, 2, 2})); });
}
