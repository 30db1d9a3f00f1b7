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

void weights_to_krsc(const Context& context, const float* kcrs, void* krsc, DType type, int64_t k,
                     int64_t c, int64_t r, int64_t s) {
  transpose(context, {k, c, r * s}, kcrs, DType::F32, krsc, type);
}

void weights_to_kcrs(const Context& context, const void* krsc, DType type, float* kcrs, int64_t k,
                     int64_t c, int64_t r, int64_t s) {
  transpose(context, {k, r * s, c}, krsc, type, kcrs, DType::F32);
}

void add_bias(const Context& context, const float* bias, void* y, DType type, int64_t rows,
              int64_t columns, Epilogue epilogue) {
  with_element(type, [&]<class T>(ElementType<T>) {
    auto* values = static_cast<T*>(y);
    map_columns(context, AddBias{bias, epilogue}, Operands<1, T>{{values}, values}, rows, columns);
  });
}

void sum_columns(const Context& context, const void* dy, DType type, float* db, int64_t rows,
                 int64_t columns, void* scratch) {
  with_element(type, [&]<class T>(ElementType<T>) {
    const ElementTerm<T> term{static_cast<const T*>(dy), rows, columns};
    sum_columns<1>(context, ColumnCut(1, rows, columns), term, FinishSum{db}, scratch);
  });
}

size_t sum_columns_scratch(int64_t rows, int64_t columns) {
  return ColumnCut(1, rows, columns).scratch_bytes(1);
}

}  // namespace halfspace::cuda
