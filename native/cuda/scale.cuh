// y = factor x, over a walk: what moves elements.
#pragma once

#include "walk.cuh"

namespace halfspace::cuda {

struct Scale {
  float factor = 1.0f;
  __device__ float operator()(const float (&x)[1]) const { return factor * x[0]; }
};

using ScaleMap = WalkMap<1, Scale>;

}  // namespace halfspace::cuda
