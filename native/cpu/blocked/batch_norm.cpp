// Batch normalisation of blocked images: with batch statistics, with running ones, and backward;
// each optionally rectified. Every kernel passes over the pixels twice, a few channel blocks at a time, so
// that the second pass finds them in the cache.
//
//   y = (x - mean) * scale / sqrt(var + epsilon) + bias
#include <cmath>

#include "batch_norm_pieces.h"
#include "kernels.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

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
            add_moments(x + offset, pixels, pieces_.first_pixel(x, block), sums);
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
  void finish(const Buffers& buffers, Affine* affine, int64_t channel, double sum,
              double squares) const {
    const double samples = static_cast<double>(pieces_.samples());
    const double shifted = sum / samples;
    const double mean = pieces_.first_pixel(buffers.in(0), channel / kBlock)[channel % kBlock] + shifted;
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
    buffers.out(3)[channel] = mixed(buffers.in(3)[channel], mean, momentum_);
    buffers.out(4)[channel] = mixed(buffers.in(4)[channel], unbiased, momentum_);
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
    const float *x = buffers.in(0), *dy = buffers.in(1);
    float* dx = buffers.out(0);
    Affine* affine = cleared(pieces_.affine(buffers.scratch), pieces_.image().blocks);
    start_backward(buffers, pieces_.image().channels, masked_ ? buffers.in(5) : nullptr, affine);
    pieces_.for_each_group(3, [&](Blocks blocks) {
      pieces_.reduce(
          blocks, buffers.scratch,
          [&](int64_t offset, int64_t pixels, int64_t block, Sums* sums) {
            add_products(x + offset, dy + offset, pixels, affine + block, masked_, sums);
          },
          [&](int64_t channel, double sum, double products) {
            finish(buffers, affine, channel, sum, products);
          });
      pieces_.for_each(blocks, [&](int64_t offset, int64_t pixels, int64_t block, int64_t) {
        differentiate(x + offset, dy + offset, dx + offset, pixels, affine + block, masked_);
      });
    });
  }

 private:
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
