#include "depthwise_loops.h"

#include <algorithm>

#include "vector.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

HALFSPACE_INLINE bool contains(Range range, int64_t p) { return p >= range.begin && p < range.end; }

// Pixels of an input row from one on, of which [begin, end) exist. Only at an edge are there others.
struct Pixels {
  const float* x;
  int64_t begin, end;

  template <bool kEdge>
  HALFSPACE_INLINE bool has(int64_t v) const {
    return !kEdge || (v >= begin && v < end);
  }
};

// Filters of a width known to the compiler: taps stay in registers and each pixel is read once.
template <int kw, int stride, int dilation>
struct FixedTaps {
  // Adds what one row of taps makes of `count` outputs.
  template <int count, bool kEdge>
  HALFSPACE_INLINE static void add_row(const Axis&, const Pixels& pixels, const float* w, Vector* sum) {
    constexpr int kReach = (count - 1) * stride + (kw - 1) * dilation + 1;
    Vector tap[kw];
    for (int j = 0; j < kw; ++j) tap[j] = load(w + j * kBlock);
#pragma GCC unroll 64
    for (int v = 0; v < kReach; ++v) {
      if (!pixels.has<kEdge>(v)) continue;
      const Vector pixel = load(pixels.x + v * kBlock);
#pragma GCC unroll 16
      for (int j = 0; j < kw; ++j) {
        const int t = v - j * dilation;
        if (t >= 0 && t % stride == 0 && t / stride < count) sum[t / stride] += tap[j] * pixel;
      }
    }
  }
};

// Filters of any width.
struct AnyTaps {
  template <int count, bool kEdge>
  HALFSPACE_INLINE static void add_row(const Axis& axis, const Pixels& pixels, const float* w, Vector* sum) {
    for (int64_t j = 0; j < axis.taps; ++j) {
      const Vector tap = load(w + j * kBlock);
      for (int t = 0; t < count; ++t) {
        const int64_t v = j * axis.dilation + t * axis.stride;
        if (pixels.has<kEdge>(v)) sum[t] += tap * load(pixels.x + v * kBlock);
      }
    }
  }
};

// One row of outputs: those rows of the filter that read rows which exist, and what the first of them reads.
struct FilterRow {
  int64_t taps;
  const float *x, *w;
  int64_t output;  // floats from the first of the plane
};

// `count` outputs from column q on.
template <class Taps, int count, bool kEdge>
HALFSPACE_INLINE void filter_tile(const Window& window, const FilterRow& row, const FilterOutput& out, int64_t q) {
  const Axis& columns = window.w;
  const int64_t first = columns.first(q), down = window.h.dilation * columns.inputs;
  const int64_t output = row.output + q * out.pixel;
  const float* start = out.image ? out.image + output : out.bias;
  const int64_t apart = out.image ? out.pixel : 0;
  Vector sum[count];
  for (int t = 0; t < count; ++t) sum[t] = load(start + t * apart);
  for (int64_t i = 0; i < row.taps; ++i) {
    const Pixels pixels = {row.x + (i * down + first) * kBlock, -first, columns.inputs - first};
    Taps::template add_row<count, kEdge>(columns, pixels, row.w + i * columns.taps * kBlock, sum);
  }
  float* y = out.y + output;
  for (int t = 0; t < count; ++t) store(y + t * out.pixel, out.relu ? rectify(sum[t]) : sum[t]);
}

// Outputs in `columns`, in tiles of so many of them. Takes copies that the compiler knows no store to change.
template <class Taps, int... counts>
HALFSPACE_INLINE void filter(const Window window, Range rows, Range columns, const float* x, const float* w,
                             const FilterOutput out) {
  const Axis& h = window.h;
  for (int64_t p = rows.begin; p < rows.end; ++p) {
    const Range taps = h.inside(p);
    const FilterRow row = {taps.end - taps.begin,
                           x + (h.first(p) + taps.begin * h.dilation) * window.w.inputs * kBlock,
                           w + taps.begin * window.w.taps * kBlock, p * out.row};
    int64_t q = columns.begin;
    const auto tiles = [&]<int count>() __attribute__((always_inline)) {
      const Range inner = window.w.surrounded(count);
      for (; q + count <= columns.end; q += count) {
        contains(inner, q) ? filter_tile<Taps, count, false>(window, row, out, q)
                           : filter_tile<Taps, count, true>(window, row, out, q);
      }
    };
    (tiles.template operator()<counts>(), ...);
  }
}

// Filters of a width known to the compiler: `rows` rows of taps, and the gradients of a few outputs with which
// each pixel is multiplied once it is read.
template <int kw, int stride, int dilation>
struct FixedSums {
  static constexpr int kTogether = 4;

  // What `count` outputs contribute.
  template <int rows, int count>
  HALFSPACE_INLINE static void add(const Window&, const float* x, int64_t down, const float* dy,
                                   Vector (&sum)[rows][kw]) {
    constexpr int kReach = (count - 1) * stride + (kw - 1) * dilation + 1;
    Vector gradient[count];
    for (int t = 0; t < count; ++t) gradient[t] = load(dy + t * kBlock);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 64
      for (int v = 0; v < kReach; ++v) {
        const Vector pixel = load(x + r * down + v * kBlock);
#pragma GCC unroll 16
        for (int j = 0; j < kw; ++j) {
          const int t = v - j * dilation;
          if (t >= 0 && t % stride == 0 && t / stride < count) sum[r][j] += gradient[t / stride] * pixel;
        }
      }
    }
  }
};

// `columns` taps of filters of any width.
template <int columns>
struct AnySums {
  static constexpr int kTogether = 1;

  template <int rows, int count>
  HALFSPACE_INLINE static void add(const Window& window, const float* x, int64_t down, const float* dy,
                                   Vector (&sum)[rows][columns]) {
    const Vector gradient = load(dy);
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) {
        sum[r][c] += gradient * load(x + r * down + c * window.w.dilation * kBlock);
      }
    }
  }
};

// dw[i..i + rows)[j..j + columns) += dy * x, summed in registers over all rows. A single row of taps has two sums
// of each, by turns, or every addition would wait for the one before.
template <class Taps, int rows, int columns>
HALFSPACE_INLINE void correlate_taps(const Window& window, int64_t outputs, const float* x, const float* dy,
                                     int64_t i, int64_t j, float* dw) {
  constexpr int kSets = rows == 1 && Taps::kTogether > 1 ? 2 : 1;
  const Axis &h = window.h, &w = window.w;
  const int64_t width = w.reach(w.outputs) * kBlock, down = h.dilation * width, step = w.stride * kBlock;
  const float* first = x + i * down + j * w.dilation * kBlock;
  Vector sum[kSets][rows][columns] = {};
  for (int64_t p = 0; p < outputs; ++p) {
    const float* pixel = first + p * h.stride * width;
    const float* gradient = dy + p * w.outputs * kBlock;
    const auto add = [&]<int count>(int64_t q, int set) __attribute__((always_inline)) {
      Taps::template add<rows, count>(window, pixel + q * step, down, gradient + q * kBlock, sum[set]);
    };
    int64_t q = 0;
    for (; q + kSets * Taps::kTogether <= w.outputs; q += kSets * Taps::kTogether) {
#pragma GCC unroll 2
      for (int set = 0; set < kSets; ++set) {
        add.template operator()<Taps::kTogether>(q + set * Taps::kTogether, set);
      }
    }
    for (; q < w.outputs; ++q) add.template operator()<1>(q, 0);
  }
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) {
      float* tap = dw + ((i + r) * w.taps + j + c) * kBlock;
      Vector total = load(tap);
      for (int set = 0; set < kSets; ++set) total += sum[set][r][c];
      store(tap, total);
    }
  }
}

// All taps of columns [j, j + columns), `rows` rows of them at a time.
template <class Taps, int rows, int columns>
HALFSPACE_INLINE void correlate(const Window& window, int64_t outputs, const float* x, const float* dy, int64_t j,
                                float* dw) {
  int64_t i = 0;
  for (; i + rows <= window.h.taps; i += rows) correlate_taps<Taps, rows, columns>(window, outputs, x, dy, i, j, dw);
  for (; i < window.h.taps; ++i) correlate_taps<Taps, 1, columns>(window, outputs, x, dy, i, j, dw);
}

}  // namespace

HALFSPACE_SIMD void filter_rows(const Window& window, Range rows, const float* x, const float* w,
                                const FilterOutput& out) {
  const auto is = [&](int64_t taps, int64_t stride, int64_t dilation) {
    return window.w.taps == taps && window.w.stride == stride && window.w.dilation == dilation;
  };
  // What fills tiles, and single outputs, which gain too little for what the code of each filter would take.
  const Range tiled = {0, window.w.outputs / 4 * 4}, single = {tiled.end, window.w.outputs};
  const auto by = [&]<class Taps>() __attribute__((always_inline)) {
    filter<Taps, 8, 4>(window, rows, tiled, x, w, out);
  };
  if (is(2, 1, 1)) by.template operator()<FixedTaps<2, 1, 1>>();
  else if (is(3, 1, 1)) by.template operator()<FixedTaps<3, 1, 1>>();
  else if (is(3, 1, 2)) by.template operator()<FixedTaps<3, 1, 2>>();
  else if (is(3, 2, 1)) by.template operator()<FixedTaps<3, 2, 1>>();
  else if (is(5, 1, 1)) by.template operator()<FixedTaps<5, 1, 1>>();
  else if (is(5, 1, 2)) by.template operator()<FixedTaps<5, 1, 2>>();
  else if (is(5, 2, 1)) by.template operator()<FixedTaps<5, 2, 1>>();
  else if (is(7, 1, 1)) by.template operator()<FixedTaps<7, 1, 1>>();
  else filter<AnyTaps, 4>(window, rows, tiled, x, w, out);
  filter<AnyTaps, 1>(window, rows, single, x, w, out);
}

HALFSPACE_SIMD void copy_inputs(const Window& window, Range rows, const float* plane, float* copy) {
  const Axis &h = window.h, &w = window.w;
  const int64_t width = w.reach(w.outputs), height = h.reach(rows.end - rows.begin);
  const int64_t left = std::clamp<int64_t>(w.before, 0, width);
  const int64_t right = std::clamp<int64_t>(w.inputs + w.before, left, width);
  for (int64_t row = 0; row < height; ++row) {
    float* to = copy + row * width * kBlock;
    const int64_t from = h.first(rows.begin) + row;
    const bool inside = from >= 0 && from < h.inputs;
    const int64_t begin = inside ? left : width, end = inside ? right : width;
    std::fill(to, to + begin * kBlock, 0.0f);
    std::copy_n(plane + (from * w.inputs + begin - w.before) * kBlock, (end - begin) * kBlock, to + begin * kBlock);
    std::fill(to + end * kBlock, to + width * kBlock, 0.0f);
  }
}

HALFSPACE_SIMD void correlate_rows(const Window& window, Range rows, const float* x, const float* dy, float* dw) {
  const auto is = [&](int64_t taps, int64_t stride, int64_t dilation) {
    return window.w.taps == taps && window.w.stride == stride && window.w.dilation == dilation;
  };
  const int64_t outputs = rows.end - rows.begin;
  if (is(3, 1, 1)) return correlate<FixedSums<3, 1, 1>, 3, 3>(window, outputs, x, dy, 0, dw);
  if (is(3, 1, 2)) return correlate<FixedSums<3, 1, 2>, 3, 3>(window, outputs, x, dy, 0, dw);
  if (is(3, 2, 1)) return correlate<FixedSums<3, 2, 1>, 3, 3>(window, outputs, x, dy, 0, dw);
  if (is(5, 1, 1)) return correlate<FixedSums<5, 1, 1>, 2, 5>(window, outputs, x, dy, 0, dw);
  if (is(5, 1, 2)) return correlate<FixedSums<5, 1, 2>, 2, 5>(window, outputs, x, dy, 0, dw);
  if (is(5, 2, 1)) return correlate<FixedSums<5, 2, 1>, 2, 5>(window, outputs, x, dy, 0, dw);
  int64_t j = 0;
  for (; j + 5 <= window.w.taps; j += 5) correlate<AnySums<5>, 2, 5>(window, outputs, x, dy, j, dw);
  for (; j + 3 <= window.w.taps; j += 3) correlate<AnySums<3>, 3, 3>(window, outputs, x, dy, j, dw);
  for (; j < window.w.taps; ++j) correlate<AnySums<1>, 5, 1>(window, outputs, x, dy, j, dw);
}

HALFSPACE_SIMD void sum_pixels(const float* pixels, int64_t count, float* sum) {
  Vector total = load(sum);
  for (int64_t i = 0; i < count; ++i) total += load(pixels + i * kBlock);
  store(sum, total);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
