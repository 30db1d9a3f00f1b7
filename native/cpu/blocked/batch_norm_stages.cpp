// Batch normalisation in stages, of which those that pass over pixels take a part of the batch as well as all of
// it: sums over the batch first, what follows from them, then the pixels. `samples` is the number of pixels of
// a channel in the whole batch.
#include <cmath>

#include "batch_norm_pieces.h"
#include "kernels.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

using Of = StageOperand::Of;

void expect_vectors(const StepMeta& step, size_t first_input, size_t first_output, int64_t channels) {
  for (size_t i = first_input; i < step.inputs.size(); ++i) expect_channels(step, step.inputs[i], channels);
  for (size_t i = first_output; i < step.outputs.size(); ++i) expect_channels(step, step.outputs[i], channels);
}

void expect_moments(const StepMeta& step, const TensorMeta& meta, int64_t channels) {
  step.expect(meta.dtype == DType::F64 && meta.elements() == 2 * channels, "expected two sums of each of ",
              channels, " channels in double, got ", meta.text());
}

// x -> moments [2, C]: sum x and sum x^2, in double, which keeps the variance from drowning.
class Moments : public Kernel {
 public:
  explicit Moments(const StepMeta& step) : pieces_(step.inputs.at(0)) {
    step.expect_arity(1, 1, 1, 1);
    expect_blocked(step, step.inputs[0]);
    expect_moments(step, step.outputs[0], pieces_.image().channels);
  }

  size_t scratch_bytes() const override { return pieces_.scratch_bytes(); }

  void run(const Buffers& buffers) override {
    const float* x = buffers.in(0);
    auto* moments = buffers.out<double>(0);
    const int64_t channels = pieces_.image().channels;
    const double samples = static_cast<double>(pieces_.samples());
    pieces_.reduce(
        pieces_.all(), buffers.scratch,
        [&](int64_t offset, int64_t pixels, int64_t block, Sums* sums) {
          add_moments(x + offset, pixels, pieces_.first_pixel(x, block), sums);
        },
        [&](int64_t channel, double sum, double squares) {
          const double shift = pieces_.first_pixel(x, channel / kBlock)[channel % kBlock];
          moments[channel] = sum + samples * shift;
          moments[channels + channel] = squares + shift * (2.0 * sum + samples * shift);
        });
  }

 private:
  Pieces pieces_;
};

// moments mean var -> batchMean batchInvStd [mean var]
class Statistics : public Kernel {
 public:
  explicit Statistics(const StepMeta& step)
      : channels_(step.outputs.at(0).elements()),
        samples_(step.attrs.number("samples")),
        epsilon_(step.attrs.number("epsilon")),
        momentum_(step.attrs.number("momentum", 0.0)),
        tracks_(step.outputs.size() == 4) {
    step.expect_arity(3, 3, 2, 4);
    expect_moments(step, step.inputs[0], channels_);
    expect_vectors(step, 1, 0, channels_);
  }

  void run(const Buffers& buffers) override {
    const auto* moments = buffers.in<double>(0);
    for (int64_t channel = 0; channel < channels_; ++channel) {
      const double mean = moments[channel] / samples_;
      const double variance = std::max(moments[channels_ + channel] / samples_ - mean * mean, 0.0);
      buffers.out(0)[channel] = static_cast<float>(mean);
      buffers.out(1)[channel] = static_cast<float>(1.0 / std::sqrt(variance + epsilon_));
      if (tracks_) track(buffers, channel, mean, variance * samples_ / std::max(samples_ - 1.0, 1.0));
    }
  }

 private:
  void track(const Buffers& buffers, int64_t channel, double mean, double unbiased) const {
    buffers.out(2)[channel] = mixed(buffers.in(1)[channel], mean, momentum_);
    buffers.out(3)[channel] = mixed(buffers.in(2)[channel], unbiased, momentum_);
  }

  int64_t channels_;
  double samples_, epsilon_, momentum_;
  bool tracks_;
};

// x scale bias batchMean batchInvStd -> y
class Apply : public Kernel {
 public:
  explicit Apply(const StepMeta& step) : pieces_(step.outputs.at(0)), least_(least_of(step)) {
    step.expect_arity(5, 5, 1, 1);
    expect_blocked(step, step.inputs[0]);
    expect_same(step, step.inputs[0], step.outputs[0]);
    expect_vectors(step, 1, 1, pieces_.image().channels);
  }

  size_t prepared_bytes() const override { return pieces_.image().blocks * sizeof(Affine); }

  void prepare(const Buffers& buffers) override {
    start_forward(buffers, 1, pieces_.image(), pieces_.affine(buffers.prepared));
  }

  void run(const Buffers& buffers) override {
    const float* x = buffers.in(0);
    float* y = buffers.out(0);
    const Affine* affine = pieces_.affine(buffers.prepared);
    pieces_.for_each(pieces_.all(), [&](int64_t offset, int64_t pixels, int64_t block, int64_t) {
      normalize(x + offset, y + offset, pixels, affine + block, least_);
    });
  }

 private:
  Pieces pieces_;
  float least_;
};

// x dy scale batchMean batchInvStd [bias] -> dscale dbias
class ParameterGradients : public Kernel {
 public:
  explicit ParameterGradients(const StepMeta& step) : pieces_(step.inputs.at(0)), masked_(has_relu(step)) {
    step.expect_arity(masked_ ? 6 : 5, 6, 2, 2);
    expect_blocked(step, step.inputs[0]);
    expect_same(step, step.inputs[0], step.inputs[1]);
    expect_vectors(step, 2, 0, pieces_.image().channels);
  }

  size_t scratch_bytes() const override { return pieces_.scratch_bytes(); }

  void run(const Buffers& buffers) override {
    const float *x = buffers.in(0), *dy = buffers.in(1);
    Affine* affine = cleared(pieces_.affine(buffers.scratch), pieces_.image().blocks);
    start_backward(buffers, pieces_.image().channels, masked_ ? buffers.in(5) : nullptr, affine);
    pieces_.reduce(
        pieces_.all(), buffers.scratch,
        [&](int64_t offset, int64_t pixels, int64_t block, Sums* sums) {
          add_products(x + offset, dy + offset, pixels, affine + block, masked_, sums);
        },
        [&](int64_t channel, double sum, double products) {
          buffers.out(0)[channel] = static_cast<float>(products * buffers.in(4)[channel]);
          buffers.out(1)[channel] = static_cast<float>(sum);
        });
  }

 private:
  Pieces pieces_;
  bool masked_;
};

// x dy scale batchMean batchInvStd dscale dbias [bias] -> dx
class ImageGradient : public Kernel {
 public:
  explicit ImageGradient(const StepMeta& step)
      : pieces_(step.inputs.at(0)), samples_(step.attrs.number("samples")), masked_(has_relu(step)) {
    step.expect_arity(masked_ ? 8 : 7, 8, 1, 1);
    expect_blocked(step, step.inputs[0]);
    expect_same(step, step.inputs[0], step.inputs[1]);
    expect_same(step, step.inputs[0], step.outputs[0]);
    expect_vectors(step, 2, 1, pieces_.image().channels);
  }

  size_t prepared_bytes() const override { return pieces_.image().blocks * sizeof(Affine); }

  void prepare(const Buffers& buffers) override {
    Affine* affine = cleared(pieces_.affine(buffers.prepared), pieces_.image().blocks);
    start_backward(buffers, pieces_.image().channels, masked_ ? buffers.in(7) : nullptr, affine);
    for (int64_t channel = 0; channel < pieces_.image().channels; ++channel) {
      Affine& a = affine[channel / kBlock];
      a.mean[channel % kBlock] = static_cast<float>(buffers.in(6)[channel] / samples_);
      a.slope[channel % kBlock] = static_cast<float>(buffers.in(5)[channel] * buffers.in(4)[channel] / samples_);
    }
  }

  void run(const Buffers& buffers) override {
    const float *x = buffers.in(0), *dy = buffers.in(1);
    float* dx = buffers.out(0);
    const Affine* affine = pieces_.affine(buffers.prepared);
    pieces_.for_each(pieces_.all(), [&](int64_t offset, int64_t pixels, int64_t block, int64_t) {
      differentiate(x + offset, dy + offset, dx + offset, pixels, affine + block, masked_);
    });
  }

 private:
  Pieces pieces_;
  double samples_;
  bool masked_;
};

double samples_of(const TensorMeta& image) {
  return static_cast<double>(image.dim(0) * image.dim(2) * image.dim(3));
}

}  // namespace

Stages batch_norm_stages(const StepMeta& step) {
  const TensorMeta& x = step.inputs.at(0);
  const Attributes statistics({{"samples", samples_of(x)},
                               {"epsilon", step.attrs.number("epsilon")},
                               {"momentum", step.attrs.number("momentum", 0.0)}});
  std::vector<StageOperand> results = {{Of::Output, 1}, {Of::Output, 2}};
  for (size_t index = 3; index < step.outputs.size(); ++index) results.push_back({Of::Output, index});
  return {{{DType::F64, {2, x.dim(1)}}},
          {{"batch_norm_moments", {{Of::Input, 0}}, {{Of::Between, 0}}, {}},
           {"batch_norm_statistics", {{Of::Between, 0}, {Of::Input, 3}, {Of::Input, 4}}, results, statistics},
           {"batch_norm_apply",
            {{Of::Input, 0}, {Of::Input, 1}, {Of::Input, 2}, {Of::Output, 1}, {Of::Output, 2}},
            {{Of::Output, 0}},
            with_epilogue(step, {})}}};
}

Stages batch_norm_backward_stages(const StepMeta& step) {
  std::vector<StageOperand> sums, image;
  for (size_t index = 0; index < step.inputs.size(); ++index) sums.push_back({Of::Input, index});
  image = sums;
  image.insert(image.begin() + 5, {{Of::Output, 1}, {Of::Output, 2}});
  return {{},
          {{"batch_norm_backward_parameters", sums, {{Of::Output, 1}, {Of::Output, 2}}, with_epilogue(step, {})},
           {"batch_norm_backward_image", image, {{Of::Output, 0}},
            with_epilogue(step, {{"samples", samples_of(step.inputs.at(0))}})}}};
}

std::unique_ptr<Kernel> make_batch_norm_moments(const StepMeta& step) { return std::make_unique<Moments>(step); }

std::unique_ptr<Kernel> make_batch_norm_statistics(const StepMeta& step) {
  return std::make_unique<Statistics>(step);
}

std::unique_ptr<Kernel> make_batch_norm_apply(const StepMeta& step) { return std::make_unique<Apply>(step); }

std::unique_ptr<Kernel> make_batch_norm_backward_parameters(const StepMeta& step) {
  return std::make_unique<ParameterGradients>(step);
}

std::unique_ptr<Kernel> make_batch_norm_backward_image(const StepMeta& step) {
  return std::make_unique<ImageGradient>(step);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
