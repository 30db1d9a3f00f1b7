#include "sum_rows.h"

#include <algorithm>

#include "../simd.h"

namespace halfspace::cpu {
namespace {

// Sums that are under way at the same time.
constexpr int64_t kTile = 64;

template <class T>
HALFSPACE_INLINE void sum_tiles(const T* rows, int64_t count, int64_t stride, int64_t length, T* sum) {
  for (int64_t begin = 0; begin < length; begin += kTile) {
    const int64_t width = std::min(kTile, length - begin);
    double total[kTile] = {};
    for (int64_t row = 0; row < count; ++row) {
      const T* values = rows + row * stride + begin;
#pragma omp simd
      for (int64_t i = 0; i < width; ++i) total[i] += values[i];
    }
    for (int64_t i = 0; i < width; ++i) sum[begin + i] = static_cast<T>(total[i]);
  }
}

}  // namespace

HALFSPACE_SIMD void sum_rows(const float* rows, int64_t count, int64_t stride, int64_t length, float* sum) {
  sum_tiles(rows, count, stride, length, sum);
}

HALFSPACE_SIMD void sum_rows(const double* rows, int64_t count, int64_t stride, int64_t length, double* sum) {
  sum_tiles(rows, count, stride, length, sum);
}

}  // namespace halfspace::cpu
