// Convolutions with one filter a channel. A plane (one block of channels of one image) is cut into bands of
// rows; what a band reads is copied with its margin of zeros, which stays in the cache while the filter
// passes over it.
#include "kernels.h"

#include <omp.h>

#include <algorithm>

#include "../depthwise_window.h"
#include "../parallel.h"
#include "../sum_rows.h"
#include "depthwise_loops.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// Pixels of a band's copy, if a row of outputs leaves the choice: half of a small L1 cache.
constexpr int64_t kBandPixels = 512;

// How the rows of a phase fall into bands of equal height.
class Bands {
 public:
  explicit Bands(const Phase& phase)
      : phase_(phase), count_(bands(phase)), height_(ceil_div(phase.h.outputs, count_)) {}

  int64_t count() const { return count_; }
  const Phase& phase() const { return phase_; }
  // Floats of the largest copy.
  int64_t floats() const { return phase_.h.reach(height_) * width() * kBlock; }

  int64_t begin(int64_t band) const { return std::min(phase_.h.outputs, band * height_); }

  Band shape(int64_t band) const {
    const Axis &h = phase_.h, &w = phase_.w;
    return {begin(band + 1) - begin(band), w.outputs, width(), h.taps, w.taps,
            h.stride, w.stride, h.dilation, w.dilation};
  }

  // Copies what a band reads of `plane`.
  void copy(const float* plane, int64_t band, float* window) const {
    const Axis &h = phase_.h, &w = phase_.w;
    const int64_t rows = begin(band + 1) - begin(band);
    if (rows == 0 || phase_.taps() == 0) return;
    copy_window(plane, h.inputs, w.inputs, begin(band) * h.stride - h.before, -w.before, h.reach(rows), width(),
                window);
  }

 private:
  int64_t width() const { return phase_.w.reach(phase_.w.outputs); }

  static int64_t bands(const Phase& phase) {
    const int64_t width = std::max<int64_t>(1, phase.w.reach(phase.w.outputs));
    const int64_t margin = phase.h.reach(1) - phase.h.stride;
    const int64_t rows = std::max<int64_t>(1, (kBandPixels / width - margin) / phase.h.stride);
    return ceil_div(phase.h.outputs, rows);
  }

  Phase phase_;
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
        lanes_(omp_get_max_threads()),
        bias_(c.bias),
        relu_(c.relu) {
    for (const Phase& phase : phases) {
      bands_.emplace_back(phase);
      window_ = std::max(window_, bands_.back().floats());
    }
  }

  size_t scratch_bytes() const override { return lanes_ * window_ * sizeof(float); }
  // A bias for each block, then the filters of each phase.
  size_t prepared_bytes() const override { return blocks_ * (taps_ + 1) * kBlock * sizeof(float); }

  void prepare(const Buffers& buffers) override {
    auto* bias = static_cast<float*>(buffers.prepared);
    std::fill_n(bias, blocks_ * kBlock, 0.0f);
    if (bias_) std::copy_n(buffers.in(2), channels_, bias);
    float* packed = bias + blocks_ * kBlock;
    for (const Bands& bands : bands_) {
      pack(buffers.in(1), channels_, taps_, bands.phase().sources, packed);
      packed += filters(bands);
    }
  }

  void run(const Buffers& buffers) override {
    const auto* bias = static_cast<const float*>(buffers.prepared);
    const float* packed = bias + blocks_ * kBlock;
    auto* windows = static_cast<float*>(buffers.scratch);
    for (const Bands& bands : bands_) {
      const Phase& phase = bands.phase();
      const int64_t input = phase.h.inputs * phase.w.inputs * kBlock;
      const int64_t count = planes_ * bands.count();
      parallel_lanes(lanes_, count, planes_ * pixels_ * kBlock, [&](int64_t lane, int64_t index) {
        const int64_t plane = index / bands.count(), band = index % bands.count();
        const int64_t block = plane % blocks_;
        float* window = windows + lane * window_;
        bands.copy(buffers.in(0) + plane * input, band, window);
        const int64_t row = phase.first_h + bands.begin(band) * phase.step_h;
        filter_band(bands.shape(band), window, packed + block * phase.taps() * kBlock, bias + block * kBlock,
                    relu_, phase.step_h * columns_ * kBlock, phase.step_w * kBlock,
                    buffers.out(0) + (plane * pixels_ + row * columns_ + phase.first_w) * kBlock);
      });
      packed += filters(bands);
    }
  }

 private:
  int64_t filters(const Bands& bands) const {
    return blocks_ * static_cast<int64_t>(bands.phase().sources.size()) * kBlock;
  }

  int64_t blocks_, planes_, channels_, taps_;
  int64_t columns_, pixels_;  // of the output
  int64_t lanes_;
  int64_t window_ = 0;  // floats
  bool bias_, relu_;
  std::vector<Bands> bands_;
};

// dw = dy * x and db = sum of dy. The batch is cut into a fixed number of parts that add up for themselves,
// then the parts are added in order, in double.
class BackwardWeights final : public Kernel {
 public:
  explicit BackwardWeights(const BlockedConvolution& c)
      : bands_(forward_phase(c)),
        blocks_(blocks_of(c)),
        batch_(c.x.dim(0)),
        channels_(c.w.dim(0)),
        taps_(c.w.dim(2) * c.w.dim(3)),
        parts_(std::min<int64_t>(batch_, kParts)),
        lanes_(omp_get_max_threads()),
        bias_(c.bias) {}

  size_t scratch_bytes() const override {
    return (parts_ * blocks_ * sums() + lanes_ * bands_.floats()) * sizeof(float);
  }

  void run(const Buffers& buffers) override {
    auto* partial = static_cast<float*>(buffers.scratch);
    float* windows = partial + parts_ * blocks_ * sums();
    parallel_lanes(lanes_, parts_ * blocks_, batch_ * x_plane(), [&](int64_t lane, int64_t index) {
      sum_part(buffers, index / blocks_, index % blocks_, windows + lane * bands_.floats(),
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
  int64_t x_plane() const { return bands_.phase().h.inputs * bands_.phase().w.inputs * kBlock; }
  int64_t y_row() const { return bands_.phase().w.outputs * kBlock; }
  int64_t y_plane() const { return bands_.phase().h.outputs * y_row(); }

  void sum_part(const Buffers& buffers, int64_t part, int64_t block, float* window, float* sum) const {
    std::fill_n(sum, sums(), 0.0f);
    for (int64_t n = part * batch_ / parts_; n < (part + 1) * batch_ / parts_; ++n) {
      const int64_t plane = n * blocks_ + block;
      const float* dy = buffers.in(1) + plane * y_plane();
      for (int64_t band = 0; band < bands_.count(); ++band) {
        bands_.copy(buffers.in(0) + plane * x_plane(), band, window);
        correlate_band(bands_.shape(band), window, dy + bands_.begin(band) * y_row(), sum);
      }
      if (bias_) sum_pixels(dy, y_plane() / kBlock, sum + taps_ * kBlock);
    }
  }

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
