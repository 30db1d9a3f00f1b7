#include "building_blocks.h"
#include "column_sums.cuh"
#include "map_columns.cuh"
#include "transposition.h"

namespace halfspace::cuda {
namespace {

struct AddBias {
  using Column = float;
  const float* bias;
  Epilogue epilogue;

  __device__ Column column(int64_t c) const { return bias ? bias[c] : 0.0f; }
  __device__ float operator()(float shift, const float (&y)[1]) const {
    const float value = y[0] + shift;
    return epilogue == Epilogue::Relu && value < 0.0f ? 0.0f : value;
  }
};

struct FinishSum {
  float* y;
  __device__ void operator()(int64_t, int64_t column, const double (&sums)[1]) const {
    y[column] = static_cast<float>(sums[0]);
  }
};

}  // namespace

void weights_to_krsc(const Context& context, const float* kcrs, float* krsc, int64_t k, int64_t c,
                     int64_t r, int64_t s) {
  transpose(context, {k, c, r * s}, kcrs, krsc);
}

void weights_to_kcrs(const Context& context, const float* krsc, float* kcrs, int64_t k, int64_t c,
                     int64_t r, int64_t s) {
  transpose(context, {k, r * s, c}, krsc, kcrs);
}

void add_bias(const Context& context, const float* bias, float* y, int64_t rows, int64_t columns,
              Epilogue epilogue) {
  map_columns(context, AddBias{bias, epilogue}, Operands<1>{{y}, y}, rows, columns);
}

void sum_columns(const Context& context, const float* dy, float* db, int64_t rows, int64_t columns,
                 void* scratch) {
  sum_columns<1>(context, ColumnCut(1, rows, columns), ElementTerm{dy, rows, columns},
                 FinishSum{db}, scratch);
}

size_t sum_columns_scratch(int64_t rows, int64_t columns) {
  return ColumnCut(1, rows, columns).scratch_bytes(1);
}

}  // namespace halfspace::cuda
