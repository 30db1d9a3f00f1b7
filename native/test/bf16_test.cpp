// The CPU's kernels that multiply in bf16, on what they multiply as it is, by the bodies and within the
// tolerances of floats: a product of two numbers of bf16 is exact in a float. Skipped where oneDNN has none.
#include "convolutions.h"
#include "matrix_products.h"

using namespace halfspace;
using namespace halfspace::test;

TEST("a convolution sums the products of its window, its bias on top") {
  expect_outputs(bf16_on_cpu(), direct_cases());
}

TEST("a convolution without bias can cut off what is negative") {
  expect_rectified_outputs(bf16_on_cpu(), direct_cases());
}

TEST("the gradient of the image gathers each product once") {
  expect_image_gradients(bf16_on_cpu(), direct_cases());
}

TEST("the gradients of weight and bias gather each product once") {
  expect_weight_gradients(bf16_on_cpu(), direct_cases());
}

TEST("what is multiplied is rounded to nearest, and sums are not") {
  const Arithmetic a = bf16_on_cpu();
  const Case c{2, 32, 32, 1, 7, 6, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}};
  const Operands given(c), rounded(c, a);
  Tensor expected = zeros(given.y.dims);
  for_each_product(c, given.y, [&](int64_t x, int64_t w, int64_t y) {
    expected[y] += rounded.x[x] * rounded.w[w];
  });
  expect_close(run(a.entry("conv"), attrs_of(c), {given.x, given.w}, zeros(given.y.dims)), expected,
               output_tolerance(c), "y");
}

TEST("products of stacks of matrices agree with plain loops, transposed or not") {
  expect_stacked_products(bf16_on_cpu());
}

TEST("a fully connected layer sums the products of its inputs, its bias on top") {
  expect_layers(bf16_on_cpu());
}

TEST("the gradients of a fully connected layer gather each product once") {
  expect_layer_gradients(bf16_on_cpu());
}
