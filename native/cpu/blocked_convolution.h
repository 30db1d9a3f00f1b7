// A convolution of blocked images for one of our own kernels: blocked/depthwise.cpp where there is one
// filter a channel, blocked/winograd.cpp where square ones leave no pixel out, blocked/pointwise.cpp for the
// gradient of filters that are single pixels.
#pragma once

#include "../device.h"
#include "dnnl_compat.h"

namespace halfspace::cpu {

// What all three directions have in common: x [N,C,H,W], w [K,C/groups,kh,kw], y [N,K,P,Q].
struct BlockedConvolution {
  TensorMeta x;
  TensorMeta w;
  TensorMeta y;
  ConvolutionGeometry geometry;
  bool bias;  // input 2 forward, output 1 of backward weights
  bool relu;  // forward only
  bool onto;  // backward data only: what is added to input 2
};

}  // namespace halfspace::cpu
