// Cutting and scaling of images against the filter's definition in two dimensions at once, and JPEG files that
// are whole, cut off or damaged: whatever they hold, they are decoded or refused.
#include <cstdio>

#include <jpeglib.h>

#include "harness.h"
#include "images/jpeg.h"
#include "images/mirror.h"
#include "images/resample.h"

using namespace halfspace;
using namespace halfspace::test;

namespace {

std::mt19937 engine{1};

int below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(engine); }

std::vector<uint8_t> noise(size_t length) {
  std::vector<uint8_t> bytes(length);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(below(256));
  return bytes;
}

Frame random_frame(Extent extent) {
  const int width = 1 + below(extent.width), height = 1 + below(extent.height);
  return {below(extent.width - width + 1), below(extent.height - height + 1), width, height, 1 + below(40),
          1 + below(40)};
}

double triangle(int i, double centre, double support) {
  return std::max(0.0, 1 - std::abs(i + 0.5 - centre) / support);
}

// The pixel at (y, x) of what a frame of `plane` becomes, before it is rounded.
double defined(const uint8_t* plane, int width, const Frame& frame, int y, int x) {
  const double across = double(frame.width) / frame.output_width;
  const double down = double(frame.height) / frame.output_height;
  double sum = 0, total = 0;
  for (int v = 0; v < frame.height; ++v) {
    for (int u = 0; u < frame.width; ++u) {
      const double weight = triangle(u, (x + 0.5) * across, std::max(1.0, across)) *
                            triangle(v, (y + 0.5) * down, std::max(1.0, down));
      sum += weight * plane[width * (frame.top + v) + frame.left + u];
      total += weight;
    }
  }
  return sum / total;
}

// Quality 90, colours at half the resolution.
std::vector<uint8_t> jpeg_of(const std::vector<uint8_t>& pixels, Extent extent) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = extent.width;
  info.image_height = extent.height;
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 90, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<uint8_t*>(&pixels[size_t(3) * extent.width * info.next_scanline]);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::vector<uint8_t> file(memory, memory + size);
  std::free(memory);
  return file;
}

// Reads a file as JavaScript does: its size first, then a frame.
bool decodes(const std::vector<uint8_t>& file) {
  try {
    Jpeg jpeg({file.data(), file.size()});
    const auto extent = jpeg.extent();
    if (!extent) return false;
    const Frame frame = random_frame(*extent);
    std::vector<uint8_t> out(size_t(3) * frame.output_width * frame.output_height);
    jpeg.decode(frame, out.data());
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Data) throw;
    return false;
  }
}

}  // namespace

// Sums in single precision may fall on the other side of where bytes are rounded.
TEST("scaling is the triangle filter, for any number of channels") {
  for (int channels = 1; channels <= 5; ++channels) {
    const Extent extent{13, 9};
    const std::vector<uint8_t> planes = noise(size_t(channels) * extent.width * extent.height);
    for (int trial = 0; trial < 10; ++trial) {
      const Frame frame = random_frame(extent);
      const size_t scaled = size_t(frame.output_width) * frame.output_height;
      std::vector<uint8_t> out(channels * scaled);
      resample_planes(planes.data(), channels, extent, frame, out.data());
      for (size_t i = 0; i < out.size(); ++i) {
        const int x = int(i) % frame.output_width, y = int(i) / frame.output_width % frame.output_height;
        const uint8_t* plane = &planes[i / scaled * extent.width * extent.height];
        const double expected = defined(plane, extent.width, frame, y, x);
        if (std::abs(out[i] - expected) > 0.51) failed("expected ", expected, ", got ", int(out[i]));
      }
    }
  }
}

TEST("rows of any width are mirrored") {
  for (const size_t width : {1, 3, 15, 16, 33, 70}) {
    const std::vector<uint8_t> plane = noise(3 * width);
    std::vector<uint8_t> out(plane.size());
    mirror_rows(plane.data(), 3, width, out.data());
    for (size_t i = 0; i < out.size(); ++i) {
      if (out[i] != plane[i - i % width + width - 1 - i % width]) failed("width ", width, ", byte ", i);
    }
  }
}

TEST("a frame that leaves its image is refused") {
  const std::vector<uint8_t> plane = noise(20);
  std::vector<uint8_t> out(4);
  for (const Frame& frame : {Frame{2, 0, 4, 2, 2, 2}, Frame{0, 3, 2, 2, 2, 2}, Frame{-1, 0, 2, 2, 2, 2}}) {
    bool refused = false;
    try {
      resample_planes(plane.data(), 1, {5, 4}, frame, out.data());
    } catch (const Error& error) {
      refused = error.code() == ErrorCode::Shape;
    }
    if (!refused) failed("a frame at ", frame.left, ",", frame.top, " was taken");
  }
}

TEST("whole JPEG files are decoded in any frame; cut off or damaged ones are decoded or refused") {
  const Extent extent{67, 45};
  const std::vector<uint8_t> file = jpeg_of(noise(size_t(3) * extent.width * extent.height), extent);
  for (int trial = 0; trial < 50; ++trial) {
    if (!decodes(file)) failed("a whole file was refused");
  }
  for (int trial = 0; trial < 300; ++trial) {
    decodes(std::vector<uint8_t>(file.begin(), file.begin() + below(int(file.size()))));
    std::vector<uint8_t> damaged = file;
    for (int flips = 1 + below(8); flips > 0; --flips) damaged[below(int(file.size()))] = uint8_t(below(256));
    decodes(damaged);
  }
}
