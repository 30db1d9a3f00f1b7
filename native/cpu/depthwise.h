// Depthwise convolutions of our own, for the cases where oneDNN has only its reference loops (large
// or dilated filters): one filter a channel, blocked images, 16 channels in a vector.
#pragma once

#include <memory>

#include "../device.h"
#include "dnnl_compat.h"

namespace halfspace::cpu {

// What the three have in common: x [N,C,H,W], w [C,1,kh,kw], y [N,C,P,Q].
struct Depthwise {
  TensorMeta x;
  TensorMeta w;
  TensorMeta y;
  ConvolutionGeometry geometry;
  bool bias;  // input 2 forward, output 1 of backward weights
  bool relu;  // forward only
};

std::unique_ptr<Kernel> make_depthwise(const Depthwise& shape);
std::unique_ptr<Kernel> make_depthwise_backward_data(const Depthwise& shape);
std::unique_ptr<Kernel> make_depthwise_backward_weights(const Depthwise& shape);

}  // namespace halfspace::cpu
