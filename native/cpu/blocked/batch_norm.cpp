// Batch normalisation of blocked images: with batch statistics, with running ones, and backward;
// each optionally rectified. A channel block is one long run of pixels, [batch * H * W, kBlock],
// cut into fixed pieces; sums are taken per piece and added in double in order of the pieces. Every
// kernel passes over the pixels twice, a few channel blocks at a time, so that the second pass finds
// them in the cache.
//
//   y = (x - mean) * scale / sqrt(var + epsilon) + bias
#include <cmath>
#include <limits>

#include "block.h"
#include "kernels.h"
#include "../simd.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

constexpr int64_t kPiecePixels = kPiece / kBlock;
// What two passes over some channel blocks may touch: a fair share of a last-level cache.
constexpr int64_t kCachedBytes = 1 << 22;
// Pixels whose products are added in float before they go on in double.
constexpr int64_t kFloatPixels = 16;

// Two sums for each channel of a block.
struct Sums {
  double first[kBlock];
  double second[kBlock];
};

// Per channel, what the passes over the pixels need: y = factor (x - center) + offset, and with the gradient g
// of that, dx = factor (g - mean - slope (x - center)).
struct Affine {
  float center[kBlock];
  float factor[kBlock];
  float offset[kBlock];
  float mean[kBlock];
  float slope[kBlock];
};

// What one element adds to the two sums of its channel: a value and its product with a factor.
struct Term {
  float value, factor;
};

// first += sum value, second += sum value * factor, where term(i, c) is the Term of element i in channel c.
template <class TermAt>
HALFSPACE_INLINE void add_terms(int64_t pixels, Sums* sums, TermAt term) {
  double first[kBlock] = {}, second[kBlock] = {};
  for (int64_t begin = 0; begin < pixels; begin += kFloatPixels) {
    float values[kBlock] = {}, products[kBlock] = {};
    const int64_t end = std::min(pixels, begin + kFloatPixels);
    for (int64_t p = begin; p < end; ++p) {
#pragma omp simd
      for (int64_t c = 0; c < kBlock; ++c) {
        const Term t = term(p * kBlock + c, c);
        values[c] += t.value;
        products[c] += t.value * t.factor;
      }
    }
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) {
      first[c] += values[c];
      second[c] += products[c];
    }
  }
  for (int64_t c = 0; c < kBlock; ++c) {
    sums->first[c] += first[c];
    sums->second[c] += second[c];
  }
}

// A copy that the compiler knows nobody else writes to.
struct Channels {
  float of[kBlock];

  HALFSPACE_INLINE explicit Channels(const float* values) {
    for (int64_t c = 0; c < kBlock; ++c) of[c] = values[c];
  }
};

// first += sum (x - shift), second += sum (x - shift)^2. A shift close to the mean keeps the variance
// from drowning.
HALFSPACE_SIMD void add_moments(const float* x, int64_t pixels, const float* shift, Sums* sums) {
  const Channels middle(shift);
  add_terms(pixels, sums, [&](int64_t i, int64_t c) __attribute__((always_inline)) {
    const float value = x[i] - middle.of[c];
    return Term{value, value};
  });
}

// y = max(factor (x - center) + offset, least)
HALFSPACE_SIMD void normalize(const float* x, float* y, int64_t pixels, const Affine* affine,
                              float least) {
  const Affine a = *affine;
  for (int64_t p = 0; p < pixels; ++p) {
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) {
      const float value = a.factor[c] * (x[p * kBlock + c] - a.center[c]) + a.offset[c];
      y[p * kBlock + c] = value < least ? least : value;
    }
  }
}

// The gradient that reaches the normalisation: nothing where the rectifier after it closed. Computing y again
// from x, `centered`, costs less than reading it.
template <bool kMasked>
HALFSPACE_INLINE float masked(float dy, float centered, float factor, float offset) {
  return !kMasked || factor * centered + offset > 0.0f ? dy : 0.0f;
}

// first += sum g, second += sum g (x - center)
template <bool kMasked>
HALFSPACE_SIMD void add_products(const float* x, const float* dy, int64_t pixels, const Affine* affine,
                                 Sums* sums) {
  const Channels center(affine->center), factor(affine->factor), offset(affine->offset);
  add_terms(pixels, sums, [&](int64_t i, int64_t c) __attribute__((always_inline)) {
    const float centered = x[i] - center.of[c];
    return Term{masked<kMasked>(dy[i], centered, factor.of[c], offset.of[c]), centered};
  });
}

// dx = factor (g - mean - slope (x - center))
template <bool kMasked>
HALFSPACE_SIMD void differentiate(const float* x, const float* dy, float* dx, int64_t pixels,
                                  const Affine* affine) {
  const Affine a = *affine;
  for (int64_t p = 0; p < pixels; ++p) {
#pragma omp simd
    for (int64_t c = 0; c < kBlock; ++c) {
      const int64_t i = p * kBlock + c;
      const float centered = x[i] - a.center[c];
      const float gradient = masked<kMasked>(dy[i], centered, a.factor[c], a.offset[c]);
      dx[i] = a.factor[c] * (gradient - a.mean[c] - a.slope[c] * centered);
    }
  }
}

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
Affine* cleared(Affine* affine, int64_t blocks) {
  std::memset(affine, 0, blocks * sizeof(Affine));
  return affine;
}

bool has_relu(const StepMeta& step) { return step.attrs.text("epilogue", "") == "relu"; }

float least_of(const StepMeta& step) {
  return has_relu(step) ? 0.0f : -std::numeric_limits<float>::infinity();
}

void expect_channels(const StepMeta& step, const TensorMeta& meta, int64_t channels) {
  step.expect(meta.dtype == DType::F32 && meta.elements() == channels, "expected ", channels,
              " channels, got ", meta.text());
}

// x scale bias mean var -> y batchMean batchInvStd [mean var]
class BatchNorm : public Kernel {
 public:
  explicit BatchNorm(const StepMeta& step)
      : pieces_(step.outputs.at(0)),
        epsilon_(step.attrs.number("epsilon")),
        momentum_(step.attrs.number("momentum", 0.0)),
        least_(least_of(step)),
        tracks_(step.outputs.size() == 5) {
    step.expect_arity(5, 5, 3, 5);
    step.expect(step.outputs.size() != 4, "expected 3 or 5 outputs, got 4");
    expect_blocked(step, step.inputs[0]);
    expect_same(step, step.inputs[0], step.outputs[0]);
    for (size_t i = 1; i < 5; ++i) expect_channels(step, step.inputs[i], pieces_.image().channels);
    for (size_t i = 1; i < step.outputs.size(); ++i) {
      expect_channels(step, step.outputs[i], pieces_.image().channels);
    }
  }

  size_t scratch_bytes() const override { return pieces_.scratch_bytes(); }

  void run(const Buffers& buffers) override {
    const float* x = buffers.in(0);
    float* y = buffers.out(0);
    Affine* affine = cleared(pieces_.affine(buffers.scratch), pieces_.image().blocks);
    pieces_.for_each_group(2, [&](Blocks blocks) {
      pieces_.reduce(
          blocks, buffers.scratch,
          [&](int64_t offset, int64_t pixels, int64_t block, Sums* sums) {
            add_moments(x + offset, pixels, shift_of(x, block), sums);
          },
          [&](int64_t channel, double sum, double squares) {
            finish(buffers, affine, channel, sum, squares);
          });
      pieces_.for_each(blocks, [&](int64_t offset, int64_t pixels, int64_t block, int64_t) {
        normalize(x + offset, y + offset, pixels, affine + block, least_);
      });
    });
  }

 private:
  // The first pixel of a block: a value of each channel, as good a guess of its mean as any.
  const float* shift_of(const float* x, int64_t block) const {
    return x + block * pieces_.image().plane();
  }

  void finish(const Buffers& buffers, Affine* affine, int64_t channel, double sum,
              double squares) const {
    const double samples = static_cast<double>(pieces_.samples());
    const double shifted = sum / samples;
    const double mean = shift_of(buffers.in(0), channel / kBlock)[channel % kBlock] + shifted;
    const double variance = std::max(squares / samples - shifted * shifted, 0.0);
    const double inverse = 1.0 / std::sqrt(variance + epsilon_);
    Affine& a = affine[channel / kBlock];
    const int64_t c = channel % kBlock;
    a.center[c] = static_cast<float>(mean);
    a.factor[c] = static_cast<float>(buffers.in(1)[channel] * inverse);
    a.offset[c] = buffers.in(2)[channel];
    buffers.out(1)[channel] = static_cast<float>(mean);
    buffers.out(2)[channel] = static_cast<float>(inverse);
    if (tracks_) track(buffers, channel, mean, variance * samples / std::max(samples - 1.0, 1.0));
  }

  void track(const Buffers& buffers, int64_t channel, double mean, double unbiased) const {
    const auto mix = [&](double old, double batch) {
      return static_cast<float>((1.0 - momentum_) * old + momentum_ * batch);
    };
    buffers.out(3)[channel] = mix(buffers.in(3)[channel], mean);
    buffers.out(4)[channel] = mix(buffers.in(4)[channel], unbiased);
  }

  Pieces pieces_;
  double epsilon_, momentum_;
  float least_;
  bool tracks_;
};

// x scale bias mean var -> y
class BatchNormInference : public Kernel {
 public:
  explicit BatchNormInference(const StepMeta& step)
      : pieces_(step.outputs.at(0)),
        epsilon_(step.attrs.number("epsilon")),
        least_(least_of(step)) {
    step.expect_arity(5, 5, 1, 1);
    expect_blocked(step, step.inputs[0]);
    expect_same(step, step.inputs[0], step.outputs[0]);
    for (size_t i = 1; i < 5; ++i) expect_channels(step, step.inputs[i], pieces_.image().channels);
  }

  size_t scratch_bytes() const override { return pieces_.image().blocks * sizeof(Affine); }

  void run(const Buffers& buffers) override {
    const float* x = buffers.in(0);
    float* y = buffers.out(0);
    Affine* affine = cleared(pieces_.affine(buffers.scratch), pieces_.image().blocks);
    for (int64_t channel = 0; channel < pieces_.image().channels; ++channel) {
      Affine& a = affine[channel / kBlock];
      const int64_t c = channel % kBlock;
      const double variance = buffers.in(4)[channel];
      a.center[c] = buffers.in(3)[channel];
      a.factor[c] = static_cast<float>(buffers.in(1)[channel] / std::sqrt(variance + epsilon_));
      a.offset[c] = buffers.in(2)[channel];
    }
    pieces_.for_each(pieces_.all(), [&](int64_t offset, int64_t pixels, int64_t block, int64_t) {
      normalize(x + offset, y + offset, pixels, affine + block, least_);
    });
  }

 private:
  Pieces pieces_;
  double epsilon_;
  float least_;
};

// x dy scale batchMean batchInvStd [bias] -> dx dscale dbias, with g = dy masked, s = batchInvStd:
//   dbias = sum g,  dscale = s sum g (x - mean)
//   dx = scale s (g - dbias / M - (x - mean) s dscale / M)
class BatchNormBackward : public Kernel {
 public:
  explicit BatchNormBackward(const StepMeta& step)
      : pieces_(step.outputs.at(0)), masked_(has_relu(step)) {
    step.expect_arity(masked_ ? 6 : 5, 6, 3, 3);
    expect_blocked(step, step.inputs[0]);
    expect_same(step, step.inputs[0], step.inputs[1]);
    expect_same(step, step.inputs[0], step.outputs[0]);
    for (size_t i = 2; i < step.inputs.size(); ++i) {
      expect_channels(step, step.inputs[i], pieces_.image().channels);
    }
    for (size_t i = 1; i < 3; ++i) expect_channels(step, step.outputs[i], pieces_.image().channels);
  }

  size_t scratch_bytes() const override { return pieces_.scratch_bytes(); }

  void run(const Buffers& buffers) override {
    if (masked_)
      run_as<true>(buffers);
    else
      run_as<false>(buffers);
  }

 private:
  template <bool kMasked>
  void run_as(const Buffers& buffers) {
    const float *x = buffers.in(0), *dy = buffers.in(1);
    float* dx = buffers.out(0);
    Affine* affine = cleared(pieces_.affine(buffers.scratch), pieces_.image().blocks);
    start(buffers, affine);
    pieces_.for_each_group(3, [&](Blocks blocks) {
      pieces_.reduce(
          blocks, buffers.scratch,
          [&](int64_t offset, int64_t pixels, int64_t block, Sums* sums) {
            add_products<kMasked>(x + offset, dy + offset, pixels, affine + block, sums);
          },
          [&](int64_t channel, double sum, double products) {
            finish(buffers, affine, channel, sum, products);
          });
      pieces_.for_each(blocks, [&](int64_t offset, int64_t pixels, int64_t block, int64_t) {
        differentiate<kMasked>(x + offset, dy + offset, dx + offset, pixels, affine + block);
      });
    });
  }

  // What is known before any gradient: the normalisation itself.
  void start(const Buffers& buffers, Affine* affine) const {
    for (int64_t channel = 0; channel < pieces_.image().channels; ++channel) {
      Affine& a = affine[channel / kBlock];
      const int64_t c = channel % kBlock;
      const double inverse = buffers.in(4)[channel];
      a.center[c] = buffers.in(3)[channel];
      a.factor[c] = static_cast<float>(buffers.in(2)[channel] * inverse);
      if (masked_) a.offset[c] = buffers.in(5)[channel];
    }
  }

  void finish(const Buffers& buffers, Affine* affine, int64_t channel, double sum,
              double products) const {
    const double samples = static_cast<double>(pieces_.samples());
    const double inverse = buffers.in(4)[channel];
    Affine& a = affine[channel / kBlock];
    const int64_t c = channel % kBlock;
    a.mean[c] = static_cast<float>(sum / samples);
    a.slope[c] = static_cast<float>(products * inverse * inverse / samples);
    buffers.out(1)[channel] = static_cast<float>(products * inverse);
    buffers.out(2)[channel] = static_cast<float>(sum);
  }

  Pieces pieces_;
  bool masked_;
};

}  // namespace

std::unique_ptr<Kernel> make_batch_norm(const StepMeta& step) {
  return std::make_unique<BatchNorm>(step);
}

std::unique_ptr<Kernel> make_batch_norm_inference(const StepMeta& step) {
  return std::make_unique<BatchNormInference>(step);
}

std::unique_ptr<Kernel> make_batch_norm_backward(const StepMeta& step) {
  return std::make_unique<BatchNormBackward>(step);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
