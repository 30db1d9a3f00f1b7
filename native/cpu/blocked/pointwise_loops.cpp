#include "pointwise_loops.h"

#include "vector.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// `rows` channels of a block of dy by `blocks` blocks of x.
template <int blocks, int rows>
HALFSPACE_INLINE void correlate_tile(const Planes& in, const float* x, const float* dy, int64_t pixels, float* dw) {
  Vector sum[blocks][rows];
  for (int b = 0; b < blocks; ++b) {
    for (int r = 0; r < rows; ++r) sum[b][r] = load(dw + (b * kBlock + r) * kBlock);
  }
  for (int64_t p = 0; p < pixels; ++p) {
    Vector value[blocks];
    for (int b = 0; b < blocks; ++b) value[b] = load(x + b * in.plane + p * kBlock);
    for (int r = 0; r < rows; ++r) {
      for (int b = 0; b < blocks; ++b) sum[b][r] += dy[p * kBlock + r] * value[b];
    }
  }
  for (int b = 0; b < blocks; ++b) {
    for (int r = 0; r < rows; ++r) store(dw + (b * kBlock + r) * kBlock, sum[b][r]);
  }
}

template <int blocks>
HALFSPACE_INLINE void correlate_group(const Planes& in, const float* x, const Planes& out, const float* dy,
                                      int64_t pixels, float* dw) {
  constexpr int kRows = blocks == 1 ? kBlock : kBlock == 16 ? 8 : 4;
  for (int64_t block = 0; block < out.blocks; ++block) {
    float* sums = dw + block * blocks * kBlock * kBlock;
    for (int64_t row = 0; row < kBlock; row += kRows) {
      correlate_tile<blocks, kRows>(in, x, dy + block * out.plane + row, pixels, sums + row * kBlock);
    }
  }
}

}  // namespace

HALFSPACE_SIMD void correlate_pixels(int64_t count, const Planes& in, const float* x, const Planes& out,
                                     const float* dy, int64_t pixels, float* dw) {
  if (count == 3) return correlate_group<3>(in, x, out, dy, pixels, dw);
  if (count == 2) return correlate_group<2>(in, x, out, dy, pixels, dw);
  correlate_group<1>(in, x, out, dy, pixels, dw);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
