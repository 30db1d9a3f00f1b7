#include "images/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace halfspace {
namespace {

constexpr size_t kMostChannels = 3;

// Red, green, blue and the byte that means nothing, computed together; vector types of GCC and Clang.
typedef float Color __attribute__((vector_size(16)));
typedef int32_t Whole __attribute__((vector_size(16)));

constexpr Color kMost{255, 255, 255, 255};

Color load(const float* values) {
  Color color;
  std::memcpy(&color, values, sizeof color);
  return color;
}

// Weighted source positions of each output position along one axis.
struct Taps {
  std::vector<int> first;
  int count;
  std::vector<float> weights;  // [output, count]

  const float* of(int position) const { return &weights[size_t(position) * count]; }
};

// weight(i) = max(0, 1 - |i + 1/2 - centre| / support), normalised; support = max(1, input / output).
Taps triangle_taps(Interval part, int pixels, int output) {
  const double scale = (part.end - part.start) / output;
  const double support = std::max(1.0, scale);
  const int low = static_cast<int>(std::floor(part.start));
  const int high = std::min(pixels, static_cast<int>(std::ceil(part.end)));
  const int count = std::min(high - low, static_cast<int>(std::ceil(2 * support)));
  Taps taps{std::vector<int>(output), count, std::vector<float>(size_t(output) * count)};
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

// Weighted sum of rows of pixels.
void scale_down(const Pixels& source, int first, const float* weights, int count, float* sum) {
  const size_t length = size_t(4) * source.extent.width;
  std::fill_n(sum, length, 0.5f);  // what is cut off later is rounded so
  for (int tap = 0; tap < count; ++tap) {
    const uint8_t* row = source.row(first + tap);
    const float weight = weights[tap];
    for (size_t i = 0; i < length; ++i) sum[i] += weight * float(row[i]);
  }
}

// One row of colours to its place in up to three planes. Weights add up to one and pixels are bytes, so nothing
// leaves 0..255 but by rounding.
void scale_across(const float* colors, const Taps& taps, size_t channels, size_t plane, uint8_t* out) {
  for (size_t x = 0; x < taps.first.size(); ++x) {
    const float* weights = taps.of(int(x));
    const float* color = colors + size_t(4) * taps.first[x];
    Color sum{};
    for (int tap = 0; tap < taps.count; ++tap) sum += weights[tap] * load(color + 4 * tap);
    const Whole pixel = __builtin_convertvector(sum < kMost ? sum : kMost, Whole);
    out[x] = static_cast<uint8_t>(pixel[0]);
    if (channels > 1) out[plane + x] = static_cast<uint8_t>(pixel[1]);
    if (channels > 2) out[2 * plane + x] = static_cast<uint8_t>(pixel[2]);
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
    scale_down(source, rows.first[y], rows.of(y), rows.count, sum.data());
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
