// dw = dy * x and db = sum of dy, by minimal filtering.
#include "../parallel.h"
#include "depthwise_loops.h"
#include "winograd.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// Tiles go in chunks through the cache; products are summed for each position and part of the outputs by
// itself, chunk after chunk, so that no thread waits for another's sums.
class FilterGradient final : public Kernel {
 public:
  FilterGradient(const Winograd& winograd, FilterOrder order, bool bias)
      : winograd_(winograd), order_(std::move(order)), bias_(bias), chunk_(chunk_length()) {}

  size_t scratch_bytes() const override {
    const int64_t tiles = all_parts() * winograd_.minimal.positions() * tile_plane(chunk_);
    const int64_t sums = winograd_.batch * output_parts() * kBlock;
    return (winograd_.filters() + tiles + sums) * sizeof(float);
  }

  void run(const Buffers& buffers) override {
    auto* du = static_cast<float*>(buffers.scratch);
    float* v = du + winograd_.filters();
    float* m = v + input_parts() * winograd_.minimal.positions() * tile_plane(chunk_);
    float* sums = m + output_parts() * winograd_.minimal.positions() * tile_plane(chunk_);
    for (int64_t begin = 0; begin < winograd_.tiles(); begin += chunk_) {
      const int64_t end = std::min(winograd_.tiles(), begin + chunk_);
      transform(buffers, begin, end, v, m);
      correlate(end - begin, v, m, begin > 0, du);
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

  int64_t chunk_length() const {
    const int64_t floats = winograd_.minimal.positions() * all_parts() * kBlock;
    return std::min(winograd_.tiles(), std::max(kFewest, kInFlight / floats));
  }

  // Of all groups.
  int64_t input_parts() const { return winograd_.groups * winograd_.in.parts(); }
  int64_t output_parts() const { return winograd_.groups * winograd_.out.parts(); }
  int64_t all_parts() const { return input_parts() + output_parts(); }

  void transform(const Buffers& buffers, int64_t begin, int64_t end, float* v, float* m) const {
    const int64_t positions = winograd_.minimal.positions();
    const int64_t inputs = winograd_.in.parts(), outputs = winograd_.out.parts();
    const int64_t plane = tile_plane(end - begin);
    const int64_t runs = ceil_div(end - begin, kRun);
    parallel_for(runs * all_parts(), positions * all_parts() * plane, [&](int64_t index) {
      const int64_t part = index / runs;
      const int64_t first = begin + index % runs * kRun;
      const int64_t last = std::min(end, first + kRun);
      const int64_t before = (first - begin) * kBlock;
      if (part < input_parts()) {
        winograd_.transform_patches(buffers.in(0), {part / inputs, first, last}, part % inputs,
                                    {v + part * positions * plane + before, plane});
      } else {
        const int64_t output = part - input_parts();
        winograd_.transform_gradients(buffers.in(1), {output / outputs, first, last}, output % outputs,
                                      {m + output * positions * plane + before, plane});
      }
    });
  }

  void correlate(int64_t tiles, const float* v, const float* m, bool add, float* du) const {
    const TileProduct all = winograd_.product(tiles);
    const int64_t pairs = ceil_div(all.outputs, kOutputs);
    const int64_t count = winograd_.groups * pairs * all.positions;
    parallel_for(count, tiles * winograd_.filters(), [&](int64_t index) {
      const int64_t position = index % all.positions;
      const int64_t group = index / all.positions / pairs;
      const int64_t first = index / all.positions % pairs * kOutputs;
      const int64_t input = group * all.inputs, output = group * all.outputs + first;
      TileProduct size = all;
      size.outputs = std::min(kOutputs, all.outputs - first);
      correlate_tiles(size, v + (input * all.positions + position) * all.plane,
                      m + (output * all.positions + position) * all.plane, add,
                      du + (output * all.positions + position) * all.filters);
    });
  }

  void write(const float* du, float* dw) const {
    const int64_t inputs = winograd_.in.parts(), outputs = winograd_.out.parts();
    const int64_t plane = filter_plane(inputs);
    parallel_for(output_parts(), winograd_.filters(), [&](int64_t index) {
      const float* from = du + index * winograd_.minimal.positions() * plane;
      for (int64_t input = 0; input < inputs; ++input) {
        BlockOfTaps taps;
        for (int64_t c = 0; c < kBlock; ++c) {
          winograd_.minimal.filter_gradient({from + (input * kBlock + c) * kBlock, plane}, taps[c]);
        }
        each_tap(winograd_, order_, {index / outputs, index % outputs, input}, dw, taps,
                 [](float& number, float tap) { number = tap; });
      }
    });
  }

  // First each plane in float, then over the batch in double.
  void sum_bias(const float* dy, float* sums, float* db) const {
    const int64_t pixels = winograd_.out.H * winograd_.out.W;
    const int64_t blocks = output_parts();
    const int64_t planes = winograd_.batch * blocks;
    std::fill_n(sums, planes * kBlock, 0.0f);
    parallel_for(planes, planes * pixels * kBlock, [&](int64_t plane) {
      sum_pixels(dy + plane * pixels * kBlock, pixels, sums + plane * kBlock);
    });
    for (int64_t k = 0; k < winograd_.groups * winograd_.out.channels; ++k) {
      double sum = 0;
      for (int64_t n = 0; n < winograd_.batch; ++n) sum += sums[n * blocks * kBlock + k];
      db[k] = static_cast<float>(sum);
    }
  }

  Winograd winograd_;
  FilterOrder order_;
  bool bias_;
  int64_t chunk_;
};

}  // namespace

std::unique_ptr<Kernel> make_filter_gradient(const Winograd& winograd, FilterOrder order, bool bias) {
  return std::make_unique<FilterGradient>(winograd, std::move(order), bias);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
