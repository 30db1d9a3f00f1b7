// Small launches that the kernels over cuDNN and cuBLAS are completed with.
#pragma once

#include "context.h"

namespace halfspace::cuda {

// Weights [K, C, R, S] of floats to [K, R, S, C] of `type` and back: from the arena's order to that of
// NHWC images.
void weights_to_krsc(const Context& context, const float* kcrs, void* krsc, DType type, int64_t k,
                     int64_t c, int64_t r, int64_t s);
void weights_to_kcrs(const Context& context, const void* krsc, DType type, float* kcrs, int64_t k,
                     int64_t c, int64_t r, int64_t s);

enum class Epilogue { None, Relu };

// y += bias, then the epilogue; y is [rows, columns] of `type`, as NHWC images are with channels for
// columns. A null bias adds nothing.
void add_bias(const Context& context, const float* bias, void* y, DType type, int64_t rows,
              int64_t columns, Epilogue epilogue);

// db [columns] = sum of dy [rows, columns] of `type` over its rows, in double and in a fixed order.
void sum_columns(const Context& context, const void* dy, DType type, float* db, int64_t rows,
                 int64_t columns, void* scratch);
size_t sum_columns_scratch(int64_t rows, int64_t columns);

}  // namespace halfspace::cuda
