// y = w * x + b, or dx = transpose(w) * dy, by minimal filtering.
#include <omp.h>

#include "../parallel.h"
#include "../past_cache.h"
#include "winograd.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// Transforms the filters of a block; channels that only fill it get zeros. They are collected and written past the
// cache, which all filters together would empty where there are many.
void transform_block(const Winograd& g, const FilterOrder& order, const FilterBlock& block, const float* w,
                     Positions<float> u) {
  BlockOfTaps taps;
  for (float* channel : taps) std::fill_n(channel, g.minimal.taps * g.minimal.taps * kBlock, 0.0f);
  each_tap(g, order, block, w, taps, [](float number, float& tap) { tap = number; });
  alignas(kAlignment) float values[kMostPositions * kSquare];
  for (int64_t c = 0; c < kBlock; ++c) g.minimal.filter(taps[c], {values + c * kBlock, kSquare});
  for (int64_t p = 0; p < g.minimal.positions(); ++p) {
    write_past_cache(u.data + p * u.stride, values + p * kSquare, kSquare);
  }
}

void transform_filters(const Winograd& g, const FilterOrder& order, const float* w, float* u) {
  const int64_t plane = filter_plane(g.in.parts());
  parallel_for(g.groups * g.out.parts(), g.filters(), [&](int64_t index) {
    float* to = u + index * g.minimal.positions() * plane;
    for (int64_t input = 0; input < g.in.parts(); ++input) {
      const FilterBlock block{index / g.out.parts(), index % g.out.parts(), input};
      transform_block(g, order, block, w, {to + input * kSquare, plane});
    }
    finish_writes_past_cache();
  });
}

// Tiles go in strips, small enough that what a strip becomes stays in the cache; a strip is one thread's from
// its pixels to its outputs.
class Filter final : public Kernel {
 public:
  Filter(const Winograd& winograd, FilterOrder order, bool bias, bool relu)
      : winograd_(winograd),
        order_(std::move(order)),
        bias_(bias),
        relu_(relu),
        lanes_(omp_get_max_threads()),
        strip_(strip_length(winograd.tiles(), lanes_)) {}

  size_t scratch_bytes() const override { return lanes_ * lane_floats() * sizeof(float); }
  // Transformed filters, then a bias for each block.
  size_t prepared_bytes() const override { return (winograd_.filters() + bias_floats()) * sizeof(float); }

  void prepare(const Buffers& buffers) override {
    auto* u = static_cast<float*>(buffers.prepared);
    float* bias = u + winograd_.filters();
    transform_filters(winograd_, order_, buffers.in(1), u);
    std::fill_n(bias, bias_floats(), 0.0f);
    if (bias_) std::copy_n(buffers.in(2), winograd_.groups * winograd_.out.channels, bias);
  }

  void run(const Buffers& buffers) override {
    const auto* u = static_cast<const float*>(buffers.prepared);
    const float* bias = u + winograd_.filters();
    auto* lanes = static_cast<float*>(buffers.scratch);
    const int64_t strips = ceil_div(winograd_.tiles(), strip_);
    const int64_t work = winograd_.tiles() * winograd_.filters();
    parallel_lanes(lanes_, winograd_.groups * strips, work, [&](int64_t lane, int64_t index) {
      const int64_t begin = index % strips * strip_;
      const int64_t end = std::min(winograd_.tiles(), begin + strip_);
      run_strip(buffers, u, bias, {index / strips, begin, end}, lanes + lane * lane_floats());
    });
  }

 private:
  // Tiles of a strip, at most: their values and those of a few blocks of channels fit the L2 cache.
  static constexpr int64_t kStrip = 24;

  // Strips of equal length for all threads.
  static int64_t strip_length(int64_t tiles, int64_t lanes) {
    return padded(ceil_div(tiles, lanes * ceil_div(tiles, lanes * kStrip)));
  }

  // A bias for each block of each group; no part but those of a single phase has one.
  int64_t bias_floats() const { return winograd_.groups * winograd_.out.parts() * kBlock; }
  int64_t lane_floats() const {
    const int64_t parts = winograd_.in.parts() + winograd_.out.parts();
    return winograd_.minimal.positions() * tile_plane(strip_) * parts;
  }

  void run_strip(const Buffers& buffers, const float* filters, const float* bias, const Strip& strip,
                 float* scratch) const {
    const TileProduct size = winograd_.product(padded(strip.end - strip.begin));
    const float* u = filters + winograd_.filters_before(strip.group);
    float* v = scratch;
    float* m = v + size.positions * size.inputs * size.plane;
    read(buffers.in(0), strip, size, v);
    for (int64_t p = 0; p < size.positions; ++p) {
      multiply_tiles(size, v + p * size.plane, u + p * size.filters, m + p * size.plane);
    }
    write(m, strip, size, bias + strip.group * size.outputs * kBlock, buffers.out(0));
  }

  void read(const float* x, const Strip& strip, const TileProduct& size, float* v) const {
    for (int64_t part = 0; part < size.inputs; ++part) {
      float* to = v + part * size.positions * size.plane;
      winograd_.transform_patches(x, strip, part, {to, size.plane});
      // Tiles that only fill the strip.
      for (int64_t p = 0; p < size.positions; ++p) {
        float* plane = to + p * size.plane;
        std::fill(plane + (strip.end - strip.begin) * kBlock, plane + size.tiles * kBlock, 0.0f);
      }
    }
  }

  void write(const float* m, const Strip& strip, const TileProduct& size, const float* bias, float* y) const {
    for (int64_t part = 0; part < size.outputs; ++part) {
      const float* from = m + part * size.positions * size.plane;
      winograd_.each_row(strip.begin, strip.end, [&](const Corner& corner) {
        float* image = y + winograd_.offset(winograd_.out, corner.image, strip.group, part);
        winograd_.minimal.outputs(winograd_.outputs(corner, part), {from + corner.before * kBlock, size.plane},
                                  bias + part * kBlock, relu_, image);
      });
    }
  }

  Winograd winograd_;
  FilterOrder order_;
  bool bias_, relu_;
  int64_t lanes_;
  int64_t strip_;
};

}  // namespace

std::unique_ptr<Kernel> make_filter(const Winograd& winograd, FilterOrder order, bool bias, bool relu) {
  return std::make_unique<Filter>(winograd, std::move(order), bias, relu);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
