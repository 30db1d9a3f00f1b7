// A depthwise convolution, one filter a channel, of blocked images. blocked/depthwise.cpp has kernels
// for the cases where oneDNN has only its reference loops: large or dilated filters.
#pragma once

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

}  // namespace halfspace::cpu
