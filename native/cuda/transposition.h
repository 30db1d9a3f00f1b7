// Matrices, each turned over its diagonal: [batch, rows, columns] -> [batch, columns, rows]. Plain
// images become NHWC ones this way, and weights KCRS become KRSC.
#pragma once

#include <optional>

#include "../semantics/strided.h"
#include "context.h"

namespace halfspace::cuda {

struct Matrices {
  int64_t batch, rows, columns;
};

// From floats or bf16 to floats or bf16.
void transpose(const Context& context, const Matrices& matrices, const void* from, DType from_type,
               void* to, DType to_type);

inline void transpose(const Context& context, const Matrices& matrices, const float* from,
                      float* to) {
  transpose(context, matrices, from, DType::F32, to, DType::F32);
}

// The matrices that a walk from one dense tensor to another turns; none where it does something
// else.
std::optional<Matrices> as_matrices(const Walk<2>& walk);

}  // namespace halfspace::cuda
