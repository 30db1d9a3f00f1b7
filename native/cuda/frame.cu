#include "frame.h"

#include "grid.cuh"

namespace halfspace::cuda {
namespace {

__global__ void add_frame_kernel(Frame f, const float* image, float* framed, int64_t count) {
  for (int64_t i = first_item(); i < count; i += item_step()) {
    const int64_t channel = i % f.c, x = i / f.c % f.width - f.left;
    const int64_t row = i / (f.c * f.width);
    const int64_t y = row % f.height - f.top, n = row / f.height;
    const bool inside = x >= 0 && x < f.w && y >= 0 && y < f.h;
    framed[i] = inside ? image[((n * f.h + y) * f.w + x) * f.c + channel] : 0.0f;
  }
}

__global__ void remove_frame_kernel(Frame f, const float* framed, float* image, int64_t count) {
  for (int64_t i = first_item(); i < count; i += item_step()) {
    const int64_t channel = i % f.c, x = i / f.c % f.w + f.left;
    const int64_t row = i / (f.c * f.w);
    const int64_t y = row % f.h + f.top, n = row / f.h;
    image[i] = framed[((n * f.height + y) * f.width + x) * f.c + channel];
  }
}

}  // namespace

void add_frame(const Context& context, const Frame& frame, const float* image, float* framed) {
  const int64_t count = frame.n * frame.height * frame.width * frame.c;
  launch(context.stream(), context.cover(count), add_frame_kernel, frame, image, framed, count);
}

void remove_frame(const Context& context, const Frame& frame, const float* framed, float* image) {
  const int64_t count = frame.n * frame.h * frame.w * frame.c;
  launch(context.stream(), context.cover(count), remove_frame_kernel, frame, framed, image, count);
}

}  // namespace halfspace::cuda
