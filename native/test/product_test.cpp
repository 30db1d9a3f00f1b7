// Products of matrices of floats.
#include "matrix_products.h"

using namespace halfspace::test;

TEST("products of stacks of matrices agree with plain loops, transposed or not") {
  expect_stacked_products(floats());
}

TEST("a fully connected layer sums the products of its inputs, its bias on top") {
  expect_layers(floats());
}

TEST("its gradients gather each product once") { expect_layer_gradients(floats()); }
