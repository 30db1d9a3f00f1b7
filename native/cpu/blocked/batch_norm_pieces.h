// How batch normalisation walks over an image. A channel block is one long run of pixels, [batch * H * W,
// kBlock], cut into fixed pieces; sums are taken per piece and added in double in order of the pieces.
#pragma once

#include <cstring>
#include <limits>

#include "batch_norm_loops.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

inline constexpr int64_t kPiecePixels = kPiece / kBlock;
// What two passes over some channel blocks may touch: a fair share of a last-level cache.
inline constexpr int64_t kCachedBytes = 1 << 22;

// Neighbouring channel blocks.
struct Blocks {
  int64_t first, count;
};

// The pieces of an image and the scratch that holds a result for each.
class Pieces {
 public:
  explicit Pieces(const TensorMeta& meta)
      : image_(meta), per_block_(ceil_div(image_.batch * image_.pixels(), kPiecePixels)) {}

  const Image& image() const { return image_; }
  Blocks all() const { return {0, image_.blocks}; }
  int64_t samples() const { return image_.batch * image_.pixels(); }
  size_t scratch_bytes() const {
    return image_.blocks * (per_block_ * sizeof(Sums) + sizeof(Affine));
  }
  // A value of each channel of a block, as good a guess of its mean as any.
  const float* first_pixel(const float* x, int64_t block) const { return x + block * image_.plane(); }
  // [blocks]
  Affine* affine(void* scratch) const { return static_cast<Affine*>(scratch); }

  // Calls body(blocks) for all blocks in order, as many at once as fit the cache in `tensors` images.
  template <class Body>
  void for_each_group(int64_t tensors, Body&& body) const {
    const int64_t bytes = tensors * samples() * kBlock * static_cast<int64_t>(sizeof(float));
    const int64_t together = std::max<int64_t>(1, kCachedBytes / std::max<int64_t>(bytes, 1));
    for (int64_t first = 0; first < image_.blocks; first += together) {
      body(Blocks{first, std::min(together, image_.blocks - first)});
    }
  }

  // Calls run(offset, pixels, block, piece) for every stretch of memory, in parallel over pieces.
  template <class Run>
  void for_each(Blocks blocks, Run&& run) const {
    parallel_for(blocks.count * per_block_, blocks.count * samples() * kBlock, [&](int64_t index) {
      const int64_t piece = blocks.first * per_block_ + index;
      const int64_t block = piece / per_block_;
      int64_t pixel = piece % per_block_ * kPiecePixels;
      const int64_t end = std::min(samples(), pixel + kPiecePixels);
      while (pixel < end) {
        const int64_t n = pixel / image_.pixels(), inside = pixel % image_.pixels();
        const int64_t count = std::min(end - pixel, image_.pixels() - inside);
        run((n * image_.blocks + block) * image_.plane() + inside * kBlock, count, block, piece);
        pixel += count;
      }
    });
  }

  // Calls add(offset, pixels, block, sums) on all stretches and then, for each channel,
  // finish(channel, first, second) with the totals.
  template <class Add, class Finish>
  void reduce(Blocks blocks, void* scratch, Add&& add, Finish&& finish) const {
    Sums* sums = reinterpret_cast<Sums*>(affine(scratch) + image_.blocks);
    std::memset(sums + blocks.first * per_block_, 0, blocks.count * per_block_ * sizeof(Sums));
    for_each(blocks, [&](int64_t offset, int64_t pixels, int64_t block, int64_t piece) {
      add(offset, pixels, block, sums + piece);
    });
    for (int64_t block = blocks.first; block < blocks.first + blocks.count; ++block) {
      const Sums total = total_of(sums + block * per_block_);
      const int64_t channels = std::min(kBlock, image_.channels - block * kBlock);
      for (int64_t c = 0; c < channels; ++c) {
        finish(block * kBlock + c, total.first[c], total.second[c]);
      }
    }
  }

 private:
  Sums total_of(const Sums* pieces) const {
    Sums total = pieces[0];
    for (int64_t piece = 1; piece < per_block_; ++piece) {
      for (int64_t c = 0; c < kBlock; ++c) {
        total.first[c] += pieces[piece].first[c];
        total.second[c] += pieces[piece].second[c];
      }
    }
    return total;
  }

  Image image_;
  int64_t per_block_;
};

// Everything zero, so that padding channels come out zero.
inline Affine* cleared(Affine* affine, int64_t blocks) {
  std::memset(affine, 0, blocks * sizeof(Affine));
  return affine;
}

inline bool has_relu(const StepMeta& step) { return step.attrs.text("epilogue", "") == "relu"; }

inline float least(bool rectified) { return rectified ? 0.0f : -std::numeric_limits<float>::infinity(); }

inline float least_of(const StepMeta& step) { return least(has_relu(step)); }

inline Attributes with_epilogue(const StepMeta& step, std::map<std::string, Attribute> attrs) {
  if (has_relu(step)) attrs["epilogue"] = std::string("relu");
  return Attributes(std::move(attrs));
}

inline void expect_channels(const StepMeta& step, const TensorMeta& meta, int64_t channels) {
  step.expect(meta.dtype == DType::F32 && meta.elements() == channels, "expected ", channels,
              " channels, got ", meta.text());
}

// A running statistic after a batch.
inline float mixed(double old, double batch, double momentum) {
  return static_cast<float>((1.0 - momentum) * old + momentum * batch);
}

// What the operands scale bias batchMean batchInvStd from number `first` on make of the pixels.
inline void start_forward(const Buffers& buffers, size_t first, const Image& image, Affine* affine) {
  cleared(affine, image.blocks);
  for (int64_t channel = 0; channel < image.channels; ++channel) {
    Affine& a = affine[channel / kBlock];
    const int64_t c = channel % kBlock;
    a.factor[c] = buffers.in(first)[channel] * buffers.in(first + 3)[channel];
    a.offset[c] = buffers.in(first + 1)[channel];
    a.center[c] = buffers.in(first + 2)[channel];
  }
}

// What is known of the operands x dy scale batchMean batchInvStd before any gradient: the normalisation itself.
inline void start_backward(const Buffers& buffers, int64_t channels, const float* bias, Affine* affine) {
  for (int64_t channel = 0; channel < channels; ++channel) {
    Affine& a = affine[channel / kBlock];
    const int64_t c = channel % kBlock;
    const double inverse = buffers.in(4)[channel];
    a.center[c] = buffers.in(3)[channel];
    a.factor[c] = static_cast<float>(buffers.in(2)[channel] * inverse);
    if (bias) a.offset[c] = bias[channel];
  }
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
