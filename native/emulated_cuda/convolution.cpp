#include "convolution.h"

#include <cstddef>

namespace halfspace::emulated {
namespace {

float dot(const float* a, const float* b, int count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

void add_scaled(float* to, float factor, const float* from, int count) {
#pragma omp simd
  for (int i = 0; i < count; ++i) to[i] += factor * from[i];
}

// Calls body(tap, image position) for every tap (row r, column s of the filter) that lies on the image
// when the output is at (oh, ow); positions and taps are linear.
template <class Body>
void for_each_tap(const ConvolutionShape& shape, int oh, int ow, Body body) {
  for (int r = 0; r < shape.r; ++r) {
    int ih = oh * shape.stride_h - shape.pad_h + r * shape.dilation_h;
    if (ih < 0 || ih >= shape.h) continue;
    for (int s = 0; s < shape.s; ++s) {
      int iw = ow * shape.stride_w - shape.pad_w + s * shape.dilation_w;
      if (iw >= 0 && iw < shape.w) body(r * shape.s + s, ih * shape.w + iw);
    }
  }
}

// Addresses of one image, one pixel, one tap.
struct Layout {
  explicit Layout(const ConvolutionShape& shape) : shape(shape) {}

  size_t in(int n, int position, int group) const {
    return (size_t(n) * shape.h * shape.w + position) * shape.c + group * shape.group_in();
  }
  size_t out(int n, int oh, int ow, int k) const {
    return ((size_t(n) * shape.out_h + oh) * shape.out_w + ow) * shape.k + k;
  }
  size_t filter(int k, int tap) const {
    return (size_t(k) * shape.r * shape.s + tap) * shape.group_in();
  }

  const ConvolutionShape& shape;
};

float output_at(const Layout& at, const Floats& x, const Floats& w, int n, int oh, int ow, int k) {
  float sum = 0;
  int group = k / at.shape.group_out();
  for_each_tap(at.shape, oh, ow, [&](int tap, int position) {
    sum += dot(&x[at.in(n, position, group)], &w[at.filter(k, tap)], at.shape.group_in());
  });
  return sum;
}

}  // namespace

Floats convolve(const ConvolutionShape& shape, const Floats& x, const Floats& w) {
  const Layout at(shape);
  Floats y(size_t(shape.n) * shape.out_h * shape.out_w * shape.k);
#pragma omp parallel for collapse(2)
  for (int n = 0; n < shape.n; ++n) {
    for (int oh = 0; oh < shape.out_h; ++oh) {
      for (int ow = 0; ow < shape.out_w; ++ow) {
        for (int k = 0; k < shape.k; ++k) {
          y[at.out(n, oh, ow, k)] = output_at(at, x, w, n, oh, ow, k);
        }
      }
    }
  }
  return y;
}

Floats convolve_backward_data(const ConvolutionShape& shape, const Floats& w, const Floats& dy) {
  const Layout at(shape);
  Floats dx(size_t(shape.n) * shape.h * shape.w * shape.c, 0.0f);
#pragma omp parallel for
  for (int n = 0; n < shape.n; ++n) {
    for (int oh = 0; oh < shape.out_h; ++oh) {
      for (int ow = 0; ow < shape.out_w; ++ow) {
        for_each_tap(shape, oh, ow, [&](int tap, int position) {
          for (int k = 0; k < shape.k; ++k) {
            add_scaled(&dx[at.in(n, position, k / shape.group_out())], dy[at.out(n, oh, ow, k)],
                       &w[at.filter(k, tap)], shape.group_in());
          }
        });
      }
    }
  }
  return dx;
}

Floats convolve_backward_filter(const ConvolutionShape& shape, const Floats& x, const Floats& dy,
                                bool backwards) {
  const Layout at(shape);
  Floats dw(size_t(shape.k) * shape.r * shape.s * shape.group_in(), 0.0f);
#pragma omp parallel for
  for (int k = 0; k < shape.k; ++k) {
    for (int turn = 0; turn < shape.n; ++turn) {
      int n = backwards ? shape.n - 1 - turn : turn;
      for (int oh = 0; oh < shape.out_h; ++oh) {
        for (int ow = 0; ow < shape.out_w; ++ow) {
          for_each_tap(shape, oh, ow, [&](int tap, int position) {
            add_scaled(&dw[at.filter(k, tap)], dy[at.out(n, oh, ow, k)],
                       &x[at.in(n, position, k / shape.group_out())], shape.group_in());
          });
        }
      }
    }
  }
  return dw;
}

}  // namespace halfspace::emulated
