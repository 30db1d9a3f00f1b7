// What a tensor is, without its contents: element type, logical shape, layout in memory.
// Logical shapes are row-major, [N, C, H, W]; a layout changes where elements lie, never the shape.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include "dims.h"

namespace halfspace {

// BF16 holds the upper half of a float. The host has no tensors of it: a device may keep images so.
enum class DType { F32, F64, I32, BF16 };

// Plain:   row-major, densely packed.
// Blocked: [N, ceil(C / block), H, W, block], images only. Channels that only fill the last
//          block are zero, always: whoever writes a blocked tensor writes those zeros too, and
//          whoever reads one may rely on them. One block of all channels is NHWC.
enum class Layout { Plain, Blocked };

constexpr int64_t ceil_div(int64_t value, int64_t divisor) {
  return (value + divisor - 1) / divisor;
}
constexpr int64_t round_up(int64_t value, int64_t step) { return ceil_div(value, step) * step; }

constexpr size_t size_of(DType dtype) {
  if (dtype == DType::BF16) return 2;
  return dtype == DType::F64 ? 8 : 4;
}
const char* name_of(DType dtype);

struct TensorMeta {
  DType dtype = DType::F32;
  Dims dims;
  Layout layout = Layout::Plain;
  // Channels in a block of a blocked image, as the device wants it (Device::channel_block).
  int64_t block = 0;

  size_t rank() const { return dims.size(); }
  // The size along `axis`; throws where there is no such axis.
  int64_t dim(size_t axis) const;
  // Product of the logical dimensions.
  int64_t elements() const;
  // Elements in memory: more than elements() where channels are padded to a block.
  int64_t stored_elements() const;
  size_t bytes() const { return static_cast<size_t>(stored_elements()) * size_of(dtype); }
  // What kernels compute with as floats.
  bool is_floating() const { return dtype == DType::F32 || dtype == DType::BF16; }
  // Only images may be blocked.
  bool is_image() const { return rank() == 4 && is_floating(); }
  bool is_blocked() const { return layout == Layout::Blocked; }
  // Number of channel blocks of an image; in plain memory each channel is one.
  int64_t blocks() const { return ceil_div(dim(1), is_blocked() ? block : 1); }
  // `f32[8,64,16,16]`, and whether it is blocked
  std::string text() const;

  auto operator<=>(const TensorMeta&) const = default;
};

bool same_shape(const TensorMeta& a, const TensorMeta& b);

}  // namespace halfspace
