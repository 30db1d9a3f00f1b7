// Small launches that the kernels over cuDNN and cuBLAS are completed with.
#pragma once

#include "context.h"

namespace halfspace::cuda {

// Weights [K, C, R, S] to [K, R, S, C] and back: from the arena's order to that of NHWC images.
void weights_to_krsc(const Context& context, const float* kcrs, float* krsc, int64_t k, int64_t c,
                     int64_t r, int64_t s);
void weights_to_kcrs(const Context& context, const float* krsc, float* kcrs, int64_t k, int64_t c,
                     int64_t r, int64_t s);

enum class Epilogue { None, Relu };

// y += bias, then the epilogue; y is [rows, columns], as NHWC images are with channels for columns.
// A null bias adds nothing.
void add_bias(const Context& context, const float* bias, float* y, int64_t rows, int64_t columns,
              Epilogue epilogue);

// db [columns] = sum of dy [rows, columns] over its rows, in double and in a fixed order.
void sum_columns(const Context& context, const float* dy, float* db, int64_t rows, int64_t columns,
                 void* scratch);
size_t sum_columns_scratch(int64_t rows, int64_t columns);

}  // namespace halfspace::cuda
