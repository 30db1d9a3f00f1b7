// How partial sums become one: in order, in double, so that who computed them when leaves no trace.
#pragma once

#include <cstdint>

namespace halfspace::cpu {

// sum[i] = rows[i] + rows[stride + i] + ... for `count` rows and 0 <= i < length. `sum` may be the first row.
void sum_rows(const float* rows, int64_t count, int64_t stride, int64_t length, float* sum);
void sum_rows(const double* rows, int64_t count, int64_t stride, int64_t length, double* sum);

}  // namespace halfspace::cpu
