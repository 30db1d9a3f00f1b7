// 3x3 convolutions that leave no pixel out, by Winograd's minimal filtering. Direct kernels multiply 2.25
// times as often; the transforms cost far less than that as soon as there are a few blocks of channels.
#include "kernels.h"

#include <omp.h>

#include <algorithm>

#include "../parallel.h"
#include "depthwise_loops.h"
#include "winograd_tiles.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// How a batch of images falls into tiles of 2x2 outputs, numbered image by image and row by row.
struct Tiling {
  int64_t batch;
  int64_t H, W;  // of what is read
  int64_t P, Q;  // of what is written
  int64_t top, left;

  int64_t rows() const { return ceil_div(P, kTile); }
  int64_t columns() const { return ceil_div(Q, kTile); }
  int64_t tiles() const { return batch * rows() * columns(); }
};

Tiling forward_tiling(const BlockedConvolution& c) {
  return {.batch = c.x.dim(0),
          .H = c.x.dim(2),
          .W = c.x.dim(3),
          .P = c.y.dim(2),
          .Q = c.y.dim(3),
          .top = c.geometry.padding_begin[0],
          .left = c.geometry.padding_begin[1]};
}

// dx is a convolution of dy with the filters turned around.
Tiling backward_tiling(const BlockedConvolution& c) {
  const Tiling f = forward_tiling(c);
  return {.batch = f.batch,
          .H = f.P,
          .W = f.Q,
          .P = f.H,
          .Q = f.W,
          .top = 2 - f.top,
          .left = 2 - f.left};
}

// Calls body(image, patches, outputs, offset) for each row of tiles among [begin, end): where they read, where
// they write, and how many tiles come before in this run.
template <class Body>
void each_row(const Tiling& tiling, int64_t begin, int64_t end, Body&& body) {
  for (int64_t tile = begin; tile < end;) {
    const int64_t column = tile % tiling.columns();
    const int64_t line = tile / tiling.columns();
    const int64_t h = line % tiling.rows() * kTile;
    const int64_t count = std::min(end - tile, tiling.columns() - column);
    const TileRow outputs = {tiling.P, tiling.Q, h, column * kTile, count};
    const TileRow patches = {tiling.H, tiling.W, h - tiling.top, column * kTile - tiling.left, count};
    body(line / tiling.rows(), patches, outputs, tile - begin);
    tile += count;
  }
}

int64_t padded(int64_t tiles) { return ceil_div(tiles, kTogether) * kTogether; }

// What keeps the positions of a block apart: planes of a power of two would all fall on the same few lines
// of the cache.
constexpr int64_t kGap = 16;

// Floats of one position of a block: of tiles, of filters.
int64_t tile_plane(int64_t tiles) { return tiles * kBlock + kGap; }
int64_t filter_plane(int64_t inputs) { return inputs * kBlock * kBlock + kGap; }

// Blocks of input and output channels. Transformed filters are [outputs][kPositions][filter_plane].
struct Channels {
  int64_t in, out;
  int64_t inputs() const { return ceil_div(in, kBlock); }
  int64_t outputs() const { return ceil_div(out, kBlock); }
  int64_t filters() const { return outputs() * kPositions * filter_plane(inputs()); }

  TileProduct product(int64_t tiles) const {
    return {inputs(), outputs(), tiles, tile_plane(tiles), filter_plane(inputs())};
  }
};

// Where filter (k, c), nine taps in a row, lies in a plain weight [K][C][3][3].
struct FilterOrder {
  int64_t output_stride, input_stride;
  bool turned;
};

// Transforms all filters; channels that only fill a block get zeros.
void transform_filters(const Channels& channels, const FilterOrder& order, const float* w, float* u) {
  const int64_t plane = filter_plane(channels.inputs());
  parallel_for(channels.outputs(), channels.filters(), [&](int64_t block) {
    const int64_t lanes = std::min(kBlock, channels.out - block * kBlock);
    for (int64_t c = 0; c < channels.inputs() * kBlock; ++c) {
      float taps[kTaps * kBlock] = {};
      for (int64_t k = 0; k < lanes && c < channels.in; ++k) {
        const float* filter = w + (block * kBlock + k) * order.output_stride + c * order.input_stride;
        for (int64_t i = 0; i < kTaps; ++i) {
          taps[i * kBlock + k] = filter[order.turned ? kTaps - 1 - i : i];
        }
      }
      transform_filter(taps, {u + block * kPositions * plane + c * kBlock, plane});
    }
  });
}

// y = w * x + b, or dx = transpose(w) * dy. Tiles go in strips, small enough that what a strip becomes stays
// in the cache; a strip is one thread's from its pixels to its outputs.
class Filter final : public Kernel {
 public:
  Filter(const Tiling& tiling, const Channels& channels, const FilterOrder& order, bool bias, bool relu)
      : tiling_(tiling),
        channels_(channels),
        order_(order),
        bias_(bias),
        relu_(relu),
        lanes_(omp_get_max_threads()),
        strip_(strip_length(tiling.tiles(), lanes_)) {}

  size_t scratch_bytes() const override {
    return (channels_.filters() + bias_floats() + lanes_ * lane_floats()) * sizeof(float);
  }

  void run(const Buffers& buffers) override {
    auto* u = static_cast<float*>(buffers.scratch);
    float* bias = u + channels_.filters();
    float* lanes = bias + bias_floats();
    transform_filters(channels_, order_, buffers.in(1), u);
    std::fill_n(bias, bias_floats(), 0.0f);
    if (bias_) std::copy_n(buffers.in(2), channels_.out, bias);
    const int64_t strips = ceil_div(tiling_.tiles(), strip_);
    const int64_t work = tiling_.tiles() * channels_.filters();
    parallel_lanes(lanes_, strips, work, [&](int64_t lane, int64_t strip) {
      const int64_t begin = strip * strip_;
      const int64_t end = std::min(tiling_.tiles(), begin + strip_);
      run_strip(buffers, u, bias, begin, end, lanes + lane * lane_floats());
    });
  }

 private:
  // Tiles of a strip, at most: their values and those of a few blocks of channels fit the L2 cache.
  static constexpr int64_t kStrip = 48;

  // Strips of equal length for all threads.
  static int64_t strip_length(int64_t tiles, int64_t lanes) {
    return padded(ceil_div(tiles, lanes * ceil_div(tiles, lanes * kStrip)));
  }

  int64_t bias_floats() const { return channels_.outputs() * kBlock; }
  int64_t lane_floats() const {
    return kPositions * tile_plane(strip_) * (channels_.inputs() + channels_.outputs());
  }

  void run_strip(const Buffers& buffers, const float* u, const float* bias, int64_t begin, int64_t end,
                 float* scratch) const {
    const TileProduct size = channels_.product(padded(end - begin));
    float* v = scratch;
    float* m = v + kPositions * size.inputs * size.plane;
    read(buffers.in(0), begin, end, size, v);
    for (int64_t p = 0; p < kPositions; ++p) {
      multiply_tiles(size, v + p * size.plane, u + p * size.filters, m + p * size.plane);
    }
    write(m, begin, end, size, bias, buffers.out(0));
  }

  void read(const float* x, int64_t begin, int64_t end, const TileProduct& size, float* v) const {
    for (int64_t block = 0; block < size.inputs; ++block) {
      float* to = v + block * kPositions * size.plane;
      each_row(tiling_, begin, end, [&](int64_t n, const TileRow& patches, const TileRow&, int64_t t) {
        const float* image = x + (n * size.inputs + block) * tiling_.H * tiling_.W * kBlock;
        transform_patches(patches, image, {to + t * kBlock, size.plane});
      });
      // Tiles that only fill the strip.
      for (int64_t p = 0; p < kPositions; ++p) {
        float* plane = to + p * size.plane;
        std::fill(plane + (end - begin) * kBlock, plane + size.tiles * kBlock, 0.0f);
      }
    }
  }

  void write(const float* m, int64_t begin, int64_t end, const TileProduct& size, const float* bias,
             float* y) const {
    for (int64_t block = 0; block < size.outputs; ++block) {
      const float* from = m + block * kPositions * size.plane;
      each_row(tiling_, begin, end, [&](int64_t n, const TileRow&, const TileRow& outputs, int64_t t) {
        float* image = y + (n * size.outputs + block) * tiling_.P * tiling_.Q * kBlock;
        transform_outputs(outputs, {from + t * kBlock, size.plane}, bias + block * kBlock,
                          relu_, image);
      });
    }
  }

  Tiling tiling_;
  Channels channels_;
  FilterOrder order_;
  bool bias_;
  bool relu_;
  int64_t lanes_;
  int64_t strip_;
};

// dw = dy * x and db = sum of dy. Tiles go in chunks through the cache; products are summed for each position
// and block of outputs by itself, chunk after chunk, so that no thread waits for another's sums.
class FilterGradient final : public Kernel {
 public:
  FilterGradient(const Tiling& tiling, const Channels& channels, bool bias)
      : tiling_(tiling), channels_(channels), bias_(bias), chunk_(chunk_length(tiling, channels)) {}

  size_t scratch_bytes() const override {
    const int64_t tiles = blocks() * kPositions * tile_plane(chunk_);
    const int64_t sums = tiling_.batch * channels_.outputs() * kBlock;
    return (channels_.filters() + tiles + sums) * sizeof(float);
  }

  void run(const Buffers& buffers) override {
    auto* du = static_cast<float*>(buffers.scratch);
    float* v = du + channels_.filters();
    float* m = v + channels_.inputs() * kPositions * tile_plane(chunk_);
    float* sums = m + channels_.outputs() * kPositions * tile_plane(chunk_);
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
    const int64_t floats = kPositions * (channels.inputs() + channels.outputs()) * kBlock;
    return std::min(tiling.tiles(), std::max(kFewest, kInFlight / floats));
  }

  int64_t blocks() const { return channels_.inputs() + channels_.outputs(); }

  void transform(const Buffers& buffers, int64_t begin, int64_t end, float* v, float* m) const {
    const int64_t tiles = end - begin;
    const int64_t plane = tile_plane(tiles);
    const int64_t runs = ceil_div(tiles, kRun);
    parallel_for(runs * blocks(), kPositions * blocks() * plane, [&](int64_t index) {
      const int64_t block = index / runs;
      const int64_t first = begin + index % runs * kRun;
      const int64_t last = std::min(end, first + kRun);
      const int64_t before = (first - begin) * kBlock;
      if (block < channels_.inputs()) {
        patches(buffers.in(0), block, first, last,
                {v + block * kPositions * plane + before, plane});
      } else {
        const int64_t output = block - channels_.inputs();
        gradients(buffers.in(1), output, first, last,
                  {m + output * kPositions * plane + before, plane});
      }
    });
  }

  void patches(const float* x, int64_t block, int64_t begin, int64_t end, Positions<float> v) const {
    each_row(tiling_, begin, end, [&](int64_t n, const TileRow& row, const TileRow&, int64_t t) {
      const float* image = x + (n * channels_.inputs() + block) * tiling_.H * tiling_.W * kBlock;
      transform_patches(row, image, {v.data + t * kBlock, v.stride});
    });
  }

  void gradients(const float* dy, int64_t block, int64_t begin, int64_t end, Positions<float> m) const {
    each_row(tiling_, begin, end, [&](int64_t n, const TileRow&, const TileRow& row, int64_t t) {
      const float* image = dy + (n * channels_.outputs() + block) * tiling_.P * tiling_.Q * kBlock;
      transform_gradients(row, image, {m.data + t * kBlock, m.stride});
    });
  }

  void correlate(int64_t tiles, const float* v, const float* m, float* du) const {
    const TileProduct all = channels_.product(tiles);
    const int64_t pairs = ceil_div(all.outputs, kOutputs);
    parallel_for(pairs * kPositions, tiles * channels_.filters(), [&](int64_t index) {
      const int64_t first = index / kPositions * kOutputs;
      const int64_t plane = first * kPositions + index % kPositions;
      TileProduct size = all;
      size.outputs = std::min(kOutputs, all.outputs - first);
      correlate_tiles(size, v + index % kPositions * size.plane, m + plane * size.plane,
                      du + plane * size.filters);
    });
  }

  void write(const float* du, float* dw) const {
    const int64_t plane = filter_plane(channels_.inputs());
    parallel_for(channels_.outputs(), channels_.filters(), [&](int64_t block) {
      const int64_t lanes = std::min(kBlock, channels_.out - block * kBlock);
      for (int64_t c = 0; c < channels_.in; ++c) {
        float taps[kTaps * kBlock];
        transform_filter_gradient({du + block * kPositions * plane + c * kBlock, plane}, taps);
        for (int64_t k = 0; k < lanes; ++k) {
          float* filter = dw + ((block * kBlock + k) * channels_.in + c) * kTaps;
          for (int64_t i = 0; i < kTaps; ++i) filter[i] = taps[i * kBlock + k];
        }
      }
    });
  }

  // First each plane in float, then over the batch in double.
  void sum_bias(const float* dy, float* sums, float* db) const {
    const int64_t pixels = tiling_.P * tiling_.Q;
    const int64_t planes = tiling_.batch * channels_.outputs();
    std::fill_n(sums, planes * kBlock, 0.0f);
    parallel_for(planes, planes * pixels * kBlock, [&](int64_t plane) {
      sum_pixels(dy + plane * pixels * kBlock, pixels, sums + plane * kBlock);
    });
    for (int64_t k = 0; k < channels_.out; ++k) {
      double sum = 0;
      for (int64_t n = 0; n < tiling_.batch; ++n) sum += sums[n * channels_.outputs() * kBlock + k];
      db[k] = static_cast<float>(sum);
    }
  }

  Tiling tiling_;
  Channels channels_;
  bool bias_;
  int64_t chunk_;
};

}  // namespace

std::unique_ptr<Kernel> make_winograd(const BlockedConvolution& c) {
  const Channels channels = {c.x.dim(1), c.y.dim(1)};
  const FilterOrder order = {channels.in * kTaps, kTaps, false};
  return std::make_unique<Filter>(forward_tiling(c), channels, order, c.bias, c.relu);
}

std::unique_ptr<Kernel> make_winograd_backward_data(const BlockedConvolution& c) {
  const Channels channels = {c.y.dim(1), c.x.dim(1)};
  const FilterOrder order = {kTaps, channels.out * kTaps, true};
  return std::make_unique<Filter>(backward_tiling(c), channels, order, false, false);
}

std::unique_ptr<Kernel> make_winograd_backward_weights(const BlockedConvolution& c) {
  return std::make_unique<FilterGradient>(forward_tiling(c), Channels{c.x.dim(1), c.y.dim(1)}, c.bias);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
