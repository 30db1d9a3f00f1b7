#include "images/resample.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "simd.h"

namespace halfspace {
namespace {

constexpr size_t kMostChannels = 3;

// Red, green, blue and the byte that means nothing, computed together; vector types of GCC and Clang.
typedef float Color __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t Whole __attribute__((vector_size(16)));

HALFSPACE_INLINE Color load(const float* color) { return *reinterpret_cast<const Color*>(color); }
HALFSPACE_INLINE Whole whole(Color color) { return __builtin_convertvector(color, Whole); }

// Positions that are scaled together, so that their bytes go to each plane as one word.
constexpr int kTogether = 4;
static_assert(std::endian::native == std::endian::little, "the first pixel is the lowest byte");

// Weighted source positions of each output position along one axis.
struct Taps {
  int output, count;
  std::vector<int> first;      // [output], then zeros up to a multiple of kTogether
  std::vector<float> weights;  // [output, count], likewise

  const float* of(int position) const { return &weights[size_t(position) * count]; }
};

// weight(i) = max(0, 1 - |i + 1/2 - centre| / support), normalised; support = max(1, input / output).
Taps triangle_taps(Interval part, int pixels, int output) {
  const double scale = (part.end - part.start) / output;
  const double support = std::max(1.0, scale);
  const int low = static_cast<int>(std::floor(part.start));
  const int high = std::min(pixels, static_cast<int>(std::ceil(part.end)));
  const int count = std::min(high - low, static_cast<int>(std::ceil(2 * support)));
  const size_t positions = size_t(output + kTogether - 1) / kTogether * kTogether;
  Taps taps{output, count, std::vector<int>(positions), std::vector<float>(positions * count)};
  for (int position = 0; position < output; ++position) {
    const double centre = part.start + (position + 0.5) * scale;
    const int first =
        std::clamp(static_cast<int>(std::floor(centre - support + 0.5)), low, high - count);
    float* weights = &taps.weights[size_t(position) * count];
    double total = 0;
    for (int tap = 0; tap < count; ++tap) {
      const double weight = std::max(0.0, 1 - std::abs(first + tap + 0.5 - centre) / support);
      weights[tap] = static_cast<float>(weight);
      total += weight;
    }
    for (int tap = 0; tap < count; ++tap) weights[tap] /= static_cast<float>(total);
    taps.first[position] = first;
  }
  return taps;
}

// Sets `sum` to weighted rows, or adds them to it. It begins with a half, by which what is cut off later
// is rounded.
template <int kRows>
HALFSPACE_INLINE void add_rows(const uint8_t* rows, size_t length, const float* weights, bool first,
                               float* sum) {
  for (size_t i = 0; i < length; ++i) {
    float total = first ? 0.5f : sum[i];
    for (int row = 0; row < kRows; ++row) total += weights[row] * float(rows[row * length + i]);
    sum[i] = total;
  }
}

// Weighted sum of `count` rows. Up to four are read at once, so that the sum rarely goes through memory.
HALFSPACE_SIMD void scale_down(const uint8_t* rows, size_t length, const float* weights, int count,
                               float* sum) {
  for (int row = 0; row < count; row += 4) {
    const uint8_t* from = rows + row * length;
    switch (count - row) {
      case 1:
        add_rows<1>(from, length, weights + row, row == 0, sum);
        break;
      case 2:
        add_rows<2>(from, length, weights + row, row == 0, sum);
        break;
      case 3:
        add_rows<3>(from, length, weights + row, row == 0, sum);
        break;
      default:
        add_rows<4>(from, length, weights + row, row == 0, sum);
    }
  }
}

// kTogether pixels of a row as bytes, those of one plane in each element. Pixels are bytes and their weights, none
// of which is negative, add up to one, so that rounding cannot carry a sum and its half to 256.
HALFSPACE_INLINE Whole scaled(const float* colors, const int* first, const float* weights, int count) {
  const float *a = colors + size_t(4) * first[0], *b = colors + size_t(4) * first[1];
  const float *c = colors + size_t(4) * first[2], *d = colors + size_t(4) * first[3];
  Color of_a{}, of_b{}, of_c{}, of_d{};
  for (int tap = 0; tap < count; ++tap) {
    of_a += weights[tap] * load(a + 4 * tap);
    of_b += weights[tap + count] * load(b + 4 * tap);
    of_c += weights[tap + 2 * count] * load(c + 4 * tap);
    of_d += weights[tap + 3 * count] * load(d + 4 * tap);
  }
  return whole(of_a) | whole(of_b) << 8 | whole(of_c) << 16 | whole(of_d) << 24;
}

// The bytes of as many of kTogether pixels as there are left.
HALFSPACE_INLINE void store(int32_t bytes, int left, uint8_t* out) {
  if (left >= kTogether) {
    std::memcpy(out, &bytes, kTogether);  // of a known length, so that it is one instruction
  } else {
    std::memcpy(out, &bytes, left);
  }
}

// One row of colours to its place in up to three planes.
HALFSPACE_SIMD void scale_across(const float* colors, const Taps& taps, size_t channels, size_t plane,
                                 uint8_t* out) {
  for (int x = 0; x < taps.output; x += kTogether) {
    const Whole pixels = scaled(colors, &taps.first[x], taps.of(x), taps.count);
    for (size_t channel = 0; channel < channels; ++channel) {
      store(pixels[channel], taps.output - x, out + channel * plane + x);
    }
  }
}

// The part of a plane that is in the frame, as one channel of `pixels`, which have its size.
void interleave(const uint8_t* plane, int width, const Frame& frame, size_t channel, Pixels& pixels) {
  for (int y = 0; y < frame.height; ++y) {
    const uint8_t* from = plane + size_t(width) * (frame.top + y) + frame.left;
    uint8_t* to = pixels.row(y) + channel;
    for (int x = 0; x < frame.width; ++x) to[size_t(4) * x] = from[x];
  }
}

}  // namespace

void resample(const Pixels& source, Interval across, Interval down, Extent size, size_t channels,
              uint8_t* out) {
  const Taps columns = triangle_taps(across, source.extent.width, size.width);
  const Taps rows = triangle_taps(down, source.extent.height, size.height);
  const size_t width = size.width, plane = width * size.height;
  std::vector<float> sum(size_t(4) * source.extent.width);
  for (int y = 0; y < size.height; ++y) {
    scale_down(source.row(rows.first[y]), sum.size(), rows.of(y), rows.count, sum.data());
    scale_across(sum.data(), columns, channels, plane, out + width * y);
  }
}

void resample_planes(const uint8_t* planes, size_t channels, Extent extent, const Frame& frame,
                     uint8_t* out) {
  require_inside(frame, extent);
  const size_t plane = size_t(extent.width) * extent.height;
  const size_t scaled = size_t(frame.output_width) * frame.output_height;
  Pixels pixels;
  pixels.make({frame.width, frame.height});
  for (size_t first = 0; first < channels; first += kMostChannels) {
    const size_t count = std::min(kMostChannels, channels - first);
    for (size_t channel = 0; channel < count; ++channel) {
      interleave(planes + (first + channel) * plane, extent.width, frame, channel, pixels);
    }
    resample(pixels, {0, double(frame.width)}, {0, double(frame.height)},
             {frame.output_width, frame.output_height}, count, out + first * scaled);
  }
}

}  // namespace halfspace
