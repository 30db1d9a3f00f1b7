// dw = dy * x and db = sum of dy, by minimal filtering.
#include "../parallel.h"
#include "depthwise_loops.h"
#include "winograd.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// Tiles go in chunks through the cache; products are summed for each position
// and block of outputs by itself, chunk after chunk, so that no thread waits for another's sums.
class FilterGradient final : public Kernel {
 public:
  FilterGradient(const Winograd& winograd, bool bias)
      : minimal_(winograd.minimal),
        tiling_(winograd.tiling),
        channels_(winograd.channels),
        bias_(bias),
        chunk_(chunk_length(tiling_, channels_)) {}

  size_t scratch_bytes() const override {
    const int64_t tiles = blocks() * channels_.positions * tile_plane(chunk_);
    const int64_t sums = tiling_.batch * channels_.all_outputs() * kBlock;
    return (channels_.filters() + tiles + sums) * sizeof(float);
  }

  void run(const Buffers& buffers) override {
    auto* du = static_cast<float*>(buffers.scratch);
    float* v = du + channels_.filters();
    float* m = v + channels_.all_inputs() * channels_.positions * tile_plane(chunk_);
    float* sums = m + channels_.all_outputs() * channels_.positions * tile_plane(chunk_);
    std::fill_n(du, channels_.filters(), 0.0f);
    for (int64_t begin = 0; begin < tiling_.tiles(); begin += chunk_) {
      const int64_t end = std::min(tiling_.tiles(), begin + chunk_);
      transform(buffers, begin, end, v, m);
      correlate(end - begin, v, m, du);
    }
    write(du, buffers.out(0));
    if (bias_) sum_bias(buffers.in(1), sums, buffers.out(1));
  }

 private:
  // Floats of transformed tiles in flight, 2 MiB, and the fewest tiles that make a product worthwhile.
  static constexpr int64_t kInFlight = 1 << 19;
  static constexpr int64_t kFewest = 64;
  // Tiles that one thread transforms at a time.
  static constexpr int64_t kRun = 32;

  static int64_t chunk_length(const Tiling& tiling, const Channels& channels) {
    const int64_t floats = channels.positions * (channels.all_inputs() + channels.all_outputs()) * kBlock;
    return std::min(tiling.tiles(), std::max(kFewest, kInFlight / floats));
  }

  int64_t blocks() const { return channels_.all_inputs() + channels_.all_outputs(); }

  void transform(const Buffers& buffers, int64_t begin, int64_t end, float* v, float* m) const {
    const int64_t tiles = end - begin;
    const int64_t plane = tile_plane(tiles);
    const int64_t runs = ceil_div(tiles, kRun);
    parallel_for(runs * blocks(), channels_.positions * blocks() * plane, [&](int64_t index) {
      const int64_t block = index / runs;
      const int64_t first = begin + index % runs * kRun;
      const int64_t last = std::min(end, first + kRun);
      const int64_t before = (first - begin) * kBlock;
      if (block < channels_.all_inputs()) {
        patches(buffers.in(0), block, first, last,
                {v + block * channels_.positions * plane + before, plane});
      } else {
        const int64_t output = block - channels_.all_inputs();
        gradients(buffers.in(1), output, first, last,
                  {m + output * channels_.positions * plane + before, plane});
      }
    });
  }

  void patches(const float* x, int64_t block, int64_t begin, int64_t end, Positions<float> v) const {
    each_row(tiling_, begin, end, [&](int64_t n, const TileRow& row, const TileRow&, int64_t t) {
      const float* image = x + (n * channels_.all_inputs() + block) * tiling_.H * tiling_.W * kBlock;
      minimal_.patches(row, image, {v.data + t * kBlock, v.stride});
    });
  }

  void gradients(const float* dy, int64_t block, int64_t begin, int64_t end, Positions<float> m) const {
    each_row(tiling_, begin, end, [&](int64_t n, const TileRow&, const TileRow& row, int64_t t) {
      const float* image = dy + (n * channels_.all_outputs() + block) * tiling_.P * tiling_.Q * kBlock;
      minimal_.gradients(row, image, {m.data + t * kBlock, m.stride});
    });
  }

  void correlate(int64_t tiles, const float* v, const float* m, float* du) const {
    const TileProduct all = channels_.product(tiles);
    const int64_t pairs = ceil_div(all.outputs, kOutputs);
    const int64_t count = channels_.groups * pairs * all.positions;
    parallel_for(count, tiles * channels_.filters(), [&](int64_t index) {
      const int64_t position = index % all.positions;
      const int64_t group = index / all.positions / pairs;
      const int64_t first = index / all.positions % pairs * kOutputs;
      const int64_t input = group * all.inputs, output = group * all.outputs + first;
      TileProduct size = all;
      size.outputs = std::min(kOutputs, all.outputs - first);
      correlate_tiles(size, v + (input * all.positions + position) * all.plane,
                      m + (output * all.positions + position) * all.plane,
                      du + (output * all.positions + position) * all.filters);
    });
  }

  void write(const float* du, float* dw) const {
    const int64_t plane = filter_plane(channels_.inputs());
    const int64_t taps = minimal_.taps * minimal_.taps;
    parallel_for(channels_.all_outputs(), channels_.filters(), [&](int64_t block) {
      const int64_t first = block % channels_.outputs() * kBlock;
      const int64_t lanes = std::min(kBlock, channels_.out - first);
      const int64_t row = block / channels_.outputs() * channels_.out + first;
      for (int64_t c = 0; c < channels_.in; ++c) {
        float sums[kMostTaps * kBlock];
        minimal_.filter_gradient({du + block * channels_.positions * plane + c * kBlock, plane}, sums);
        for (int64_t k = 0; k < lanes; ++k) {
          float* filter = dw + ((row + k) * channels_.in + c) * taps;
          for (int64_t i = 0; i < taps; ++i) filter[i] = sums[i * kBlock + k];
        }
      }
    });
  }

  // First each plane in float, then over the batch in double.
  void sum_bias(const float* dy, float* sums, float* db) const {
    const int64_t pixels = tiling_.P * tiling_.Q;
    const int64_t blocks = channels_.all_outputs();
    const int64_t planes = tiling_.batch * blocks;
    std::fill_n(sums, planes * kBlock, 0.0f);
    parallel_for(planes, planes * pixels * kBlock, [&](int64_t plane) {
      sum_pixels(dy + plane * pixels * kBlock, pixels, sums + plane * kBlock);
    });
    for (int64_t k = 0; k < channels_.groups * channels_.out; ++k) {
      double sum = 0;
      for (int64_t n = 0; n < tiling_.batch; ++n) sum += sums[n * blocks * kBlock + k];
      db[k] = static_cast<float>(sum);
    }
  }

  const MinimalFilter& minimal_;
  Tiling tiling_;
  Channels channels_;
  bool bias_;
  int64_t chunk_;
};

}  // namespace

std::unique_ptr<Kernel> make_filter_gradient(const Winograd& winograd, bool bias) {
  return std::make_unique<FilterGradient>(winograd, bias);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
