#include "pointwise_loops.h"

#include "vector.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// Sums that the registers of the instruction set hold beside what is being multiplied.
constexpr int kSums = kBlock == 16 ? 24 : 12;

// Where the outputs of some pixels go and how they start and end.
struct Outputs {
  const float* bias;
  bool relu;
  int64_t plane;
  float* y;
};

// `blocks` blocks of `pixels` pixels.
template <int blocks, int pixels>
HALFSPACE_INLINE void multiply_tile(const Planes& in, const float* x, const float* w, const Outputs& out,
                                    int64_t pixel) {
  Vector sum[pixels][blocks];
  for (int p = 0; p < pixels; ++p) {
    for (int b = 0; b < blocks; ++b) sum[p][b] = load(out.bias + b * kBlock);
  }
  for (int64_t block = 0; block < in.blocks; ++block) {
    const float* values = x + block * in.plane + pixel * kBlock;
    for (int64_t i = 0; i < kBlock; ++i, w += blocks * kBlock) {
      Vector weight[blocks];
      for (int b = 0; b < blocks; ++b) weight[b] = load(w + b * kBlock);
      for (int p = 0; p < pixels; ++p) {
        for (int b = 0; b < blocks; ++b) sum[p][b] += values[p * kBlock + i] * weight[b];
      }
    }
  }
  for (int p = 0; p < pixels; ++p) {
    for (int b = 0; b < blocks; ++b) {
      store(out.y + b * out.plane + (pixel + p) * kBlock, out.relu ? rectify(sum[p][b]) : sum[p][b]);
    }
  }
}

// The last tile reaches back over pixels that are done, which come out the same again.
template <int blocks>
HALFSPACE_INLINE void multiply_group(const Planes& in, const float* x, const float* w, const Outputs& out,
                                     int64_t pixels) {
  constexpr int kPixels = kSums / blocks;
  if (pixels < kPixels) {
    for (int64_t p = 0; p < pixels; ++p) multiply_tile<blocks, 1>(in, x, w, out, p);
    return;
  }
  for (int64_t p = 0; p < pixels; p += kPixels) {
    multiply_tile<blocks, kPixels>(in, x, w, out, std::min(p, pixels - kPixels));
  }
}

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

HALFSPACE_SIMD void multiply_pixels(const Planes& in, const float* x, const float* w, const float* bias, bool relu,
                                    int64_t pixels, const Planes& out, float* y) {
  for_each_group(out.blocks, [&](int64_t first, int64_t count) __attribute__((always_inline)) {
    const Outputs outputs = {bias + first * kBlock, relu, out.plane, y + first * out.plane};
    const float* weights = w + first * in.blocks * kBlock * kBlock;
    if (count == 3) return multiply_group<3>(in, x, weights, outputs, pixels);
    if (count == 2) return multiply_group<2>(in, x, weights, outputs, pixels);
    multiply_group<1>(in, x, weights, outputs, pixels);
  });
}

HALFSPACE_SIMD void correlate_pixels(int64_t count, const Planes& in, const float* x, const Planes& out,
                                     const float* dy, int64_t pixels, float* dw) {
  if (count == 3) return correlate_group<3>(in, x, out, dy, pixels, dw);
  if (count == 2) return correlate_group<2>(in, x, out, dy, pixels, dw);
  correlate_group<1>(in, x, out, dy, pixels, dw);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
