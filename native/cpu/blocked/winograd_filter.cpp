// y = w * x + b, or dx = transpose(w) * dy, by minimal filtering.
#include <omp.h>

#include "../parallel.h"
#include "winograd.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// Transforms all filters; channels that only fill a block get zeros.
void transform_filters(const MinimalFilter& minimal, const Channels& channels, const FilterOrder& order,
                       const float* w, float* u) {
  const int64_t plane = filter_plane(channels.inputs());
  parallel_for(channels.all_outputs(), channels.filters(), [&](int64_t block) {
    const float* group = w + block / channels.outputs() * channels.in * channels.out * order.taps;
    const int64_t first = block % channels.outputs() * kBlock;
    const int64_t lanes = std::min(kBlock, channels.out - first);
    for (int64_t c = 0; c < channels.inputs() * kBlock; ++c) {
      float taps[kMostTaps * kBlock] = {};
      for (int64_t k = 0; k < lanes && c < channels.in; ++k) {
        const float* filter = group + (first + k) * order.output_stride + c * order.input_stride;
        for (int64_t i = 0; i < order.taps; ++i) {
          taps[i * kBlock + k] = filter[order.turned ? order.taps - 1 - i : i];
        }
      }
      minimal.filter(taps, {u + block * channels.positions * plane + c * kBlock, plane});
    }
  });
}

// Tiles go in strips, small enough that what a strip becomes stays
// in the cache; a strip is one thread's from its pixels to its outputs.
class Filter final : public Kernel {
 public:
  Filter(const Winograd& winograd, const FilterOrder& order, bool bias, bool relu)
      : minimal_(winograd.minimal),
        tiling_(winograd.tiling),
        channels_(winograd.channels),
        order_(order),
        bias_(bias),
        relu_(relu),
        lanes_(omp_get_max_threads()),
        strip_(strip_length(tiling_.tiles(), lanes_)) {}

  size_t scratch_bytes() const override {
    return (channels_.filters() + bias_floats() + lanes_ * lane_floats()) * sizeof(float);
  }

  void run(const Buffers& buffers) override {
    auto* u = static_cast<float*>(buffers.scratch);
    float* bias = u + channels_.filters();
    float* lanes = bias + bias_floats();
    transform_filters(minimal_, channels_, order_, buffers.in(1), u);
    std::fill_n(bias, bias_floats(), 0.0f);
    if (bias_) std::copy_n(buffers.in(2), channels_.groups * channels_.out, bias);
    const int64_t strips = ceil_div(tiling_.tiles(), strip_);
    const int64_t work = tiling_.tiles() * channels_.filters();
    parallel_lanes(lanes_, channels_.groups * strips, work, [&](int64_t lane, int64_t index) {
      const int64_t begin = index % strips * strip_;
      const int64_t end = std::min(tiling_.tiles(), begin + strip_);
      run_strip(buffers, u, bias, {index / strips, begin, end}, lanes + lane * lane_floats());
    });
  }

 private:
  // Tiles of a strip, at most: their values and those of a few blocks of channels fit the L2 cache.
  static constexpr int64_t kStrip = 24;

  // Tiles [begin, end) of the channels of a group.
  struct Strip {
    int64_t group, begin, end;
  };

  // Strips of equal length for all threads.
  static int64_t strip_length(int64_t tiles, int64_t lanes) {
    return padded(ceil_div(tiles, lanes * ceil_div(tiles, lanes * kStrip)));
  }

  int64_t bias_floats() const { return channels_.all_outputs() * kBlock; }
  int64_t lane_floats() const {
    return channels_.positions * tile_plane(strip_) * (channels_.inputs() + channels_.outputs());
  }

  void run_strip(const Buffers& buffers, const float* filters, const float* bias, const Strip& strip,
                 float* scratch) const {
    const TileProduct size = channels_.product(padded(strip.end - strip.begin));
    const float* u = filters + channels_.filters_before(strip.group);
    float* v = scratch;
    float* m = v + size.positions * size.inputs * size.plane;
    read(buffers.in(0), strip, size, v);
    for (int64_t p = 0; p < size.positions; ++p) {
      multiply_tiles(size, v + p * size.plane, u + p * size.filters, m + p * size.plane);
    }
    write(m, strip, size, bias, buffers.out(0));
  }

  void read(const float* x, const Strip& strip, const TileProduct& size, float* v) const {
    for (int64_t block = 0; block < size.inputs; ++block) {
      float* to = v + block * size.positions * size.plane;
      const auto [group, begin, end] = strip;
      each_row(tiling_, begin, end, [&](int64_t n, const TileRow& patches, const TileRow&, int64_t t) {
        const int64_t plane = n * channels_.all_inputs() + group * size.inputs + block;
        const float* image = x + plane * tiling_.H * tiling_.W * kBlock;
        minimal_.patches(patches, image, {to + t * kBlock, size.plane});
      });
      // Tiles that only fill the strip.
      for (int64_t p = 0; p < size.positions; ++p) {
        float* plane = to + p * size.plane;
        std::fill(plane + (end - begin) * kBlock, plane + size.tiles * kBlock, 0.0f);
      }
    }
  }

  void write(const float* m, const Strip& strip, const TileProduct& size, const float* bias, float* y) const {
    for (int64_t block = 0; block < size.outputs; ++block) {
      const float* from = m + block * size.positions * size.plane;
      const int64_t output = strip.group * size.outputs + block;
      each_row(tiling_, strip.begin, strip.end,
               [&](int64_t n, const TileRow&, const TileRow& outputs, int64_t t) {
        const int64_t plane = n * channels_.all_outputs() + output;
        float* image = y + plane * tiling_.P * tiling_.Q * kBlock;
        minimal_.outputs(outputs, {from + t * kBlock, size.plane}, bias + output * kBlock, relu_, image);
      });
    }
  }

  const MinimalFilter& minimal_;
  Tiling tiling_;
  Channels channels_;
  FilterOrder order_;
  bool bias_, relu_;
  int64_t lanes_;
  int64_t strip_;
};

}  // namespace

std::unique_ptr<Kernel> make_filter(const Winograd& winograd, const FilterOrder& order, bool bias, bool relu) {
  return std::make_unique<Filter>(winograd, order, bias, relu);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
