// The gradient of 1x1 filters with stride 1: for each pair of channels the product of their pixels, summed.
// Images are read where they lie.
#include "kernels.h"

#include "../sum_rows.h"
#include "depthwise_loops.h"
#include "pointwise_loops.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// Pixels that stay in the cache while all pairs of channels pass over them.
constexpr int64_t kStretch = 128;

// An image as stretches of about equal length.
class Stretches {
 public:
  explicit Stretches(int64_t pixels) : pixels_(pixels), count_(ceil_div(pixels, kStretch)) {}

  int64_t count() const { return count_; }
  int64_t begin(int64_t stretch) const { return stretch * pixels_ / count_; }
  int64_t length(int64_t stretch) const { return begin(stretch + 1) - begin(stretch); }

 private:
  int64_t pixels_, count_;
};

// Blocks whose sums are in registers together, three at most.
struct Group {
  int64_t first, count;
};

// Two pairs are better than three and one.
std::vector<Group> groups_of(int64_t blocks) {
  std::vector<Group> groups;
  for (int64_t first = 0; first < blocks; first += groups.back().count) {
    const int64_t left = blocks - first;
    groups.push_back({first, left == 4 ? 2 : std::min<int64_t>(left, 3)});
  }
  return groups;
}

// A block, or as many channels as there are.
void copy_channels(const float* from, int64_t channels, float* to) {
  if (channels < kBlock) {
    std::copy_n(from, channels, to);
  } else {
    std::memcpy(to, from, kBlock * sizeof(float));
  }
}

// dw = dy * x and db = sum of dy. The batch is cut into a fixed number of parts that add up for themselves, then
// the parts are added in order, in double.
class BackwardWeights final : public Kernel {
 public:
  explicit BackwardWeights(const BlockedConvolution& c)
      : x_(c.x),
        y_(c.y),
        in_{x_.blocks, x_.plane()},
        out_{y_.blocks, y_.plane()},
        groups_(groups_of(in_.blocks)),
        stretches_(x_.pixels()),
        parts_(std::clamp<int64_t>(x_.batch * x_.pixels() / kPartPixels, 1, std::min(x_.batch, kMostParts))),
        bias_(c.bias) {}

  size_t scratch_bytes() const override { return parts_ * sums() * sizeof(float); }

  void run(const Buffers& buffers) override {
    auto* partial = static_cast<float*>(buffers.scratch);
    const auto groups = static_cast<int64_t>(groups_.size());
    parallel_for(parts_ * groups, x_.stored(), [&](int64_t index) {
      sum_group(buffers, index / groups, groups_[index % groups], partial + index / groups * sums());
    });
    if (bias_) sum_bias(buffers, partial + weights());
    if (parts_ > 1) {
      parallel_pieces(sums(), kPiece, [&](int64_t begin, int64_t end) {
        sum_rows(partial + begin, parts_, sums(), end - begin, partial + begin);
      });
    }
    parallel_for(groups, weights(), [&](int64_t index) { unpack(partial, groups_[index], buffers.out(0)); });
    if (bias_) std::copy_n(partial + weights(), y_.channels, buffers.out(1));
  }

 private:
  // Fewer pixels are not worth sums of their own.
  static constexpr int64_t kPartPixels = 1024;
  static constexpr int64_t kMostParts = 16;

  // Floats that a part sums: dw by group as the loops have it, and then db.
  int64_t weights() const { return in_.blocks * out_.blocks * kBlock * kBlock; }
  int64_t sums() const { return weights() + out_.blocks * kBlock; }
  int64_t first_image(int64_t part) const { return part * x_.batch / parts_; }

  void sum_group(const Buffers& buffers, int64_t part, const Group& group, float* partial) const {
    float* sum = partial + group.first * out_.blocks * kBlock * kBlock;
    std::fill_n(sum, group.count * out_.blocks * kBlock * kBlock, 0.0f);
    for (int64_t n = first_image(part); n < first_image(part + 1); ++n) {
      const float* x = buffers.in(0) + (n * in_.blocks + group.first) * in_.plane;
      const float* dy = buffers.in(1) + n * out_.blocks * out_.plane;
      for (int64_t stretch = 0; stretch < stretches_.count(); ++stretch) {
        const int64_t offset = stretches_.begin(stretch) * kBlock;
        correlate_pixels(group.count, in_, x + offset, out_, dy + offset, stretches_.length(stretch), sum);
      }
    }
  }

  void sum_bias(const Buffers& buffers, float* partial) const {
    parallel_for(parts_ * out_.blocks, y_.stored(), [&](int64_t index) {
      const int64_t part = index / out_.blocks, block = index % out_.blocks;
      float* sum = partial + part * sums() + block * kBlock;
      std::fill_n(sum, kBlock, 0.0f);
      for (int64_t n = first_image(part); n < first_image(part + 1); ++n) {
        sum_pixels(buffers.in(1) + (n * out_.blocks + block) * out_.plane, y_.pixels(), sum);
      }
    });
  }

  // The weights of a group to their places in dw.
  void unpack(const float* sums, const Group& group, float* dw) const {
    const float* sum = sums + group.first * out_.blocks * kBlock * kBlock;
    for (int64_t out = 0; out < y_.channels; ++out) {
      for (int64_t block = 0; block < group.count; ++block) {
        const int64_t first = (group.first + block) * kBlock;
        const float* row = sum + ((out / kBlock * group.count + block) * kBlock + out % kBlock) * kBlock;
        copy_channels(row, x_.channels - first, dw + out * x_.channels + first);
      }
    }
  }

  Image x_, y_;
  Planes in_, out_;
  std::vector<Group> groups_;  // of x
  Stretches stretches_;
  int64_t parts_;
  bool bias_;
};

}  // namespace

std::unique_ptr<Kernel> make_pointwise_backward_weights(const BlockedConvolution& c) {
  return std::make_unique<BackwardWeights>(c);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
