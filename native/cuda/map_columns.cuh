// y[r, c] = f(c)(x1[r, c], ..., xk[r, c]) over matrices [rows, columns], as NHWC images are: what
// belongs to a column is fetched once by each thread, which then walks down the rows.
#pragma once

#include <bit>

#include "grid.cuh"

namespace halfspace::cuda {

template <int kWidth, int kInputs, class T, class Function>
__global__ void map_columns_kernel(Function f, Operands<kInputs, T> operands, int64_t rows,
                                   int64_t columns, int lanes) {
  const int64_t column = (static_cast<int64_t>(blockIdx.x) * lanes + threadIdx.x % lanes) * kWidth;
  const int64_t together = blockDim.x / lanes;
  if (column >= columns) return;
  typename Function::Column each[kWidth];
#pragma unroll
  for (int lane = 0; lane < kWidth; ++lane) each[lane] = f.column(column + lane);
  for (int64_t row = blockIdx.y * together + threadIdx.x / lanes; row < rows;
       row += gridDim.y * together) {
    const int64_t at = row * columns + column;
    Vector<kWidth> x[kInputs], y;
#pragma unroll
    for (int k = 0; k < kInputs; ++k) x[k] = load<kWidth>(operands.in[k] + at);
#pragma unroll
    for (int lane = 0; lane < kWidth; ++lane) {
      float values[kInputs];
#pragma unroll
      for (int k = 0; k < kInputs; ++k) values[k] = x[k].at[lane];
      y.at[lane] = f(each[lane], values);
    }
    store(operands.out + at, y);
  }
}

// `f.column(c)` gives a Function::Column; f(column, values) the result. The output may be an input.
template <int kInputs, class T, class Function>
void map_columns(const Context& context, const Function& f, const Operands<kInputs, T>& operands,
                 int64_t rows, int64_t columns) {
  if (rows * columns == 0) return;
  constexpr int64_t kLanes = 32, kTurns = 8, kMostY = 65535;
  const bool wide = columns % kWide == 0 && operands.is_wide();
  const int64_t items = wide ? columns / kWide : columns;
  const int64_t lanes = std::min<int64_t>(kLanes, std::bit_ceil(static_cast<uint64_t>(items)));
  const int64_t down = ceil_div(rows, kThreads / lanes * kTurns);
  const Grid grid{dim3(static_cast<unsigned>(ceil_div(items, lanes)),
                       static_cast<unsigned>(std::min(down, kMostY)))};
  launch(context.stream(), grid,
         wide ? map_columns_kernel<kWide, kInputs, T, Function>
              : map_columns_kernel<1, kInputs, T, Function>,
         f, operands, rows, columns, static_cast<int>(lanes));
}

}  // namespace halfspace::cuda
