// Which pixels of the one image belong to a pixel of the other, seen through a window.
#pragma once

#include "window.h"

namespace halfspace::cuda {

// Calls visit(tap, pixel) for the taps of output (line, q) that lie in x, in scan order; a line counts
// [N, P], a pixel [N, H, W].
template <class Visit>
__device__ void for_each_tap(const Window& w, int64_t line, int64_t q, const Visit& visit) {
  const int64_t n = line / w.P, p = line % w.P;
  for (int i = 0; i < w.kh; ++i) {
    const int64_t h = w.row(p, i);
    if (!w.has_row(h)) continue;
    for (int j = 0; j < w.kw; ++j) {
      const int64_t v = w.column(q, j);
      if (w.has_column(v)) visit(i * w.kw + j, (n * w.H + h) * w.W + v);
    }
  }
}

// Calls visit(tap, p, q, pixel) for the outputs that have input (line, v) in their window, in scan
// order; a line counts [N, H], a pixel [N, P, Q].
template <class Visit>
__device__ void for_each_output(const Window& w, int64_t line, int64_t v, const Visit& visit) {
  const int64_t n = line / w.H, h = line % w.H;
  for (int i = w.kh - 1; i >= 0; --i) {
    const int64_t p = w.output_row(h, i);
    if (p < 0) continue;
    for (int j = w.kw - 1; j >= 0; --j) {
      const int64_t q = w.output_column(v, j);
      if (q >= 0) visit(i * w.kw + j, p, q, (n * w.P + p) * w.Q + q);
    }
  }
}

}  // namespace halfspace::cuda
