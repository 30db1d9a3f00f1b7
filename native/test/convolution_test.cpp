// Convolutions of floats.
#include "convolutions.h"

using namespace halfspace;
using namespace halfspace::test;

TEST("a convolution sums the products of its window, its bias on top") {
  expect_outputs(floats(), all_cases());
}

TEST("a convolution without bias can cut off what is negative") {
  expect_rectified_outputs(floats(), all_cases());
}

TEST("the gradient of the image gathers each product once") {
  expect_image_gradients(floats(), all_cases());
}

TEST("the gradient of a depthwise image can be added to another image") {
  if (!on_cpu()) return;
  expect_added_image_gradients(floats(), all_cases());
}

TEST("the gradients of weight and bias gather each product once") {
  expect_weight_gradients(floats(), all_cases());
}

TEST("a convolution that does not fit its operands is refused") {
  const Case& c = kCases[2];
  const Operands o(c);
  Attrs attrs = attrs_of(c);
  expect_refused([&] { run("conv_backward_data", attrs, {o.y, o.w, o.x}, zeros(o.x.dims)); });
  expect_refused([&] { run("conv", attrs, {o.x, o.w}, zeros({2, 24, 4, 3})); });
  expect_refused([&] { run("conv", attrs, {o.x, o.w, zeros({25})}, zeros(o.y.dims)); });
  attrs["groups"] = 5.0;
  expect_refused([&] { run("conv", attrs, {o.x, o.w}, zeros(o.y.dims)); });
  attrs["groups"] = 1.0;
  attrs["strides"] = list({0, 1});
  expect_refused([&] { run("conv", attrs, {o.x, o.w}, zeros(o.y.dims)); });
  attrs.erase("strides");
  expect_refused([&] { run("conv", attrs, {o.x, o.w}, zeros(o.y.dims)); });
}
