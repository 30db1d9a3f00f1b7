// Convolutions with one filter a channel. A plane (one block of channels of one image) is cut into bands of rows.
// The gradient of a filter passes over a band several times and takes a copy of it with its margin of zeros.
#include "kernels.h"

#include <omp.h>

#include <algorithm>

#include "../depthwise_window.h"
#include "../parallel.h"
#include "../sum_rows.h"
#include "depthwise_loops.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// Pixels that a band reads, if a row of outputs leaves the choice: half of a small L1 cache.
constexpr int64_t kBandPixels = 512;

// Bands of equal height that the outputs of a window fall into.
class Bands {
 public:
  explicit Bands(const Window& window)
      : rows_(window.h.outputs), count_(bands(window)), height_(ceil_div(rows_, count_)) {}

  int64_t count() const { return count_; }
  int64_t height() const { return height_; }
  Range rows(int64_t band) const {
    return {std::min(rows_, band * height_), std::min(rows_, (band + 1) * height_)};
  }

 private:
  static int64_t bands(const Window& window) {
    const int64_t width = std::max<int64_t>(1, window.w.reach(window.w.outputs));
    const int64_t margin = window.h.reach(1) - window.h.stride;
    const int64_t rows = std::max<int64_t>(1, (kBandPixels / width - margin) / window.h.stride);
    return ceil_div(window.h.outputs, rows);
  }

  int64_t rows_;
  int64_t count_;
  int64_t height_;
};

int64_t blocks_of(const BlockedConvolution& c) { return ceil_div(c.w.dim(0), kBlock); }

// `packed` [blocks][sources][kBlock] from filters [channels][taps]; channels that only fill the last block get
// zeros.
void pack(const float* filters, int64_t channels, int64_t taps, const std::vector<int64_t>& sources,
          float* packed) {
  const int64_t block = static_cast<int64_t>(sources.size()) * kBlock;
  std::fill_n(packed, ceil_div(channels, kBlock) * block, 0.0f);
  for (int64_t c = 0; c < channels; ++c) {
    float* lane = packed + c / kBlock * block + c % kBlock;
    for (size_t tap = 0; tap < sources.size(); ++tap) lane[tap * kBlock] = filters[c * taps + sources[tap]];
  }
}

// Writes `output` [N, C, rows, columns] phase by phase, each a filter of its own over `input`.
class Filter final : public Kernel {
 public:
  Filter(const BlockedConvolution& c, const TensorMeta& output, std::vector<Phase> phases)
      : blocks_(blocks_of(c)),
        planes_(c.x.dim(0) * blocks_),
        channels_(c.w.dim(0)),
        taps_(c.w.dim(2) * c.w.dim(3)),
        columns_(output.dim(3)),
        pixels_(output.dim(2) * columns_),
        bias_(c.bias),
        relu_(c.relu),
        onto_(c.onto),
        phases_(std::move(phases)) {}

  // A bias for each block, then the filters of each phase.
  size_t prepared_bytes() const override { return blocks_ * (taps_ + 1) * kBlock * sizeof(float); }

  void prepare(const Buffers& buffers) override {
    auto* bias = static_cast<float*>(buffers.prepared);
    std::fill_n(bias, blocks_ * kBlock, 0.0f);
    if (bias_) std::copy_n(buffers.in(2), channels_, bias);
    float* packed = bias + blocks_ * kBlock;
    for (const Phase& phase : phases_) {
      pack(buffers.in(1), channels_, taps_, phase.sources, packed);
      packed += blocks_ * floats(phase);
    }
  }

  void run(const Buffers& buffers) override {
    const float* packed = static_cast<const float*>(buffers.prepared) + blocks_ * kBlock;
    for (const Phase& phase : phases_) {
      run_phase(buffers, phase, packed);
      packed += blocks_ * floats(phase);
    }
  }

 private:
  // Of the filter of a block.
  static int64_t floats(const Phase& phase) { return static_cast<int64_t>(phase.sources.size()) * kBlock; }

  void run_phase(const Buffers& buffers, const Phase& phase, const float* packed) const {
    const Window& window = phase.window;
    const auto* bias = static_cast<const float*>(buffers.prepared);
    const int64_t input = window.h.inputs * window.w.inputs * kBlock, output = pixels_ * kBlock;
    const int64_t first = (phase.first_h * columns_ + phase.first_w) * kBlock;
    const Bands bands(window);
    parallel_for(planes_ * bands.count(), planes_ * pixels_ * kBlock, [&](int64_t index) {
      const int64_t plane = index / bands.count(), block = plane % blocks_;
      filter_rows(window, bands.rows(index % bands.count()), buffers.in(0) + plane * input,
                  packed + block * floats(phase),
                  {bias + block * kBlock, onto_ ? buffers.in(2) + plane * output + first : nullptr, relu_,
                   phase.step_h * columns_ * kBlock, phase.step_w * kBlock,
                   buffers.out(0) + plane * output + first});
    });
  }

  int64_t blocks_, planes_, channels_, taps_;
  int64_t columns_, pixels_;  // of the output
  bool bias_, relu_, onto_;
  std::vector<Phase> phases_;
};

// dw = dy * x and db = sum of dy. The batch is cut into a fixed number of parts that add up for themselves,
// then the parts are added in order, in double.
class BackwardWeights final : public Kernel {
 public:
  explicit BackwardWeights(const BlockedConvolution& c)
      : window_(forward_phase(c).window),
        bands_(window_),
        blocks_(blocks_of(c)),
        batch_(c.x.dim(0)),
        channels_(c.w.dim(0)),
        taps_(c.w.dim(2) * c.w.dim(3)),
        parts_(std::min<int64_t>(batch_, kParts)),
        lanes_(omp_get_max_threads()),
        bias_(c.bias) {}

  size_t scratch_bytes() const override {
    return (parts_ * blocks_ * sums() + lanes_ * copy_floats()) * sizeof(float);
  }

  void run(const Buffers& buffers) override {
    auto* partial = static_cast<float*>(buffers.scratch);
    float* copies = partial + parts_ * blocks_ * sums();
    parallel_lanes(lanes_, parts_ * blocks_, batch_ * x_plane(), [&](int64_t lane, int64_t index) {
      sum_part(buffers, index / blocks_, index % blocks_, copies + lane * copy_floats(),
               partial + index * sums());
    });
    sum_rows(partial, parts_, blocks_ * sums(), blocks_ * sums(), partial);
    for (int64_t channel = 0; channel < channels_; ++channel) {
      const float* sum = partial + channel / kBlock * sums() + channel % kBlock;
      for (int64_t tap = 0; tap < taps_; ++tap) buffers.out(0)[channel * taps_ + tap] = sum[tap * kBlock];
      if (bias_) buffers.out(1)[channel] = sum[taps_ * kBlock];
    }
  }

 private:
  static constexpr int64_t kParts = 16;

  // Floats that a part sums for a block: a pixel for each tap, and one more for the bias.
  int64_t sums() const { return (taps_ + 1) * kBlock; }
  int64_t x_plane() const { return window_.h.inputs * window_.w.inputs * kBlock; }
  int64_t y_row() const { return window_.w.outputs * kBlock; }
  int64_t y_plane() const { return window_.h.outputs * y_row(); }
  // Floats of what a band reads.
  int64_t copy_floats() const { return window_.h.reach(bands_.height()) * window_.w.reach(window_.w.outputs) * kBlock; }

  void sum_part(const Buffers& buffers, int64_t part, int64_t block, float* copy, float* sum) const {
    std::fill_n(sum, sums(), 0.0f);
    for (int64_t n = part * batch_ / parts_; n < (part + 1) * batch_ / parts_; ++n) {
      const int64_t plane = n * blocks_ + block;
      const float* dy = buffers.in(1) + plane * y_plane();
      for (int64_t band = 0; band < bands_.count(); ++band) {
        const Range rows = bands_.rows(band);
        copy_inputs(window_, rows, buffers.in(0) + plane * x_plane(), copy);
        correlate_rows(window_, rows, copy, dy + rows.begin * y_row(), sum);
      }
      if (bias_) sum_pixels(dy, y_plane() / kBlock, sum + taps_ * kBlock);
    }
  }

  Window window_;
  Bands bands_;
  int64_t blocks_, batch_, channels_, taps_;
  int64_t parts_;
  int64_t lanes_;
  bool bias_;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise(const BlockedConvolution& c) {
  return std::make_unique<Filter>(c, c.y, std::vector<Phase>{forward_phase(c)});
}

std::unique_ptr<Kernel> make_depthwise_backward_data(const BlockedConvolution& c) {
  return std::make_unique<Filter>(c, c.x, backward_phases(c));
}

std::unique_ptr<Kernel> make_depthwise_backward_weights(const BlockedConvolution& c) {
  return std::make_unique<BackwardWeights>(c);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
