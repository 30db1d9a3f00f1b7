// y[i] = f(x1[i], ..., xk[i]) over tensors that lie alike: flat arrays, whatever the shape.
#pragma once

#include "grid.cuh"

namespace halfspace::cuda {

template <int kWidth, int kInputs, class T, class Function>
__device__ inline void map_one(const Function& f, const Operands<kInputs, T>& operands, int64_t at) {
  Vector<kWidth> x[kInputs];
#pragma unroll
  for (int k = 0; k < kInputs; ++k) x[k] = load<kWidth>(operands.in[k] + at);
  store(operands.out + at, lanewise<kInputs>(f, x));
}

template <int kInputs, class T, class Function>
__global__ void map_kernel(Function f, Operands<kInputs, T> operands, int64_t vectors,
                           int64_t count) {
  for (int64_t i = first_item(); i < vectors; i += item_step()) {
    map_one<kWide>(f, operands, i * kWide);
  }
  for (int64_t i = vectors * kWide + first_item(); i < count; i += item_step()) {
    map_one<1>(f, operands, i);
  }
}

// `f` takes an array of kInputs floats. The output may be one of the inputs.
template <int kInputs, class T, class Function>
void map(const Context& context, Function f, const Operands<kInputs, T>& operands, int64_t count) {
  if (count == 0) return;
  const int64_t vectors = operands.is_wide() ? count / kWide : 0;
  launch(context.stream(), context.cover(vectors > 0 ? vectors : count),
         map_kernel<kInputs, T, Function>, f, operands, vectors, count);
}

}  // namespace halfspace::cuda
