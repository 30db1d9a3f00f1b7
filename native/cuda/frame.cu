#include "frame.h"

#include "grid.cuh"

namespace halfspace::cuda {
namespace {

template <class T>
__global__ void add_frame_kernel(Frame f, const T* image, T* framed, int64_t count) {
  for (int64_t i = first_item(); i < count; i += item_step()) {
    const int64_t channel = i % f.c, x = i / f.c % f.width - f.left;
    const int64_t row = i / (f.c * f.width);
    const int64_t y = row % f.height - f.top, n = row / f.height;
    const bool inside = x >= 0 && x < f.w && y >= 0 && y < f.h;
    framed[i] = inside ? image[((n * f.h + y) * f.w + x) * f.c + channel] : to_element<T>(0.0f);
  }
}

template <class T>
__global__ void remove_frame_kernel(Frame f, const T* framed, T* image, int64_t count) {
  for (int64_t i = first_item(); i < count; i += item_step()) {
    const int64_t channel = i % f.c, x = i / f.c % f.w + f.left;
    const int64_t row = i / (f.c * f.w);
    const int64_t y = row % f.h + f.top, n = row / f.h;
    image[i] = framed[((n * f.height + y) * f.width + x) * f.c + channel];
  }
}

}  // namespace

void add_frame(const Context& context, const Frame& frame, const void* image, void* framed) {
  const int64_t count = frame.n * frame.height * frame.width * frame.c;
  with_element(frame.type, [&]<class T>(ElementType<T>) {
    launch(context.stream(), context.cover(count), add_frame_kernel<T>, frame,
           static_cast<const T*>(image), static_cast<T*>(framed), count);
  });
}

void remove_frame(const Context& context, const Frame& frame, const void* framed, void* image) {
  const int64_t count = frame.n * frame.h * frame.w * frame.c;
  with_element(frame.type, [&]<class T>(ElementType<T>) {
    launch(context.stream(), context.cover(count), remove_frame_kernel<T>, frame,
           static_cast<const T*>(framed), static_cast<T*>(image), count);
  });
}

}  // namespace halfspace::cuda
