// Batch normalisation against plain loops in double.
#include <omp.h>

#include "harness.h"

using namespace halfspace;
using namespace halfspace::test;

namespace {

constexpr double kEpsilon = 1e-5, kMomentum = 0.1;
// Sums are taken in double; what is left is the rounding of a few float operations a value.
constexpr double kTolerance = 2e-6;

const std::vector<Dims> kShapes = {{2, 1, 3, 5},  {4, 3, 7, 7},    {1, 17, 9, 2},
                                                   {3, 24, 5, 5}, {2, 33, 33, 40}, {64, 16, 1, 1}};

struct Channel {
  double mean = 0, variance = 0;
};

// Calls visit(index, channel) for every element.
template <class Visit>
void for_each(const Dims& shape, Visit&& visit) {
  const int64_t pixels = shape[2] * shape[3];
  for (int64_t i = 0; i < elements(shape); ++i) visit(i, i / pixels % shape[1]);
}

std::vector<Channel> moments(const Tensor& x) {
  std::vector<Channel> channels(x.dims[1]);
  const double samples = static_cast<double>(x.size()) / x.dims[1];
  for_each(x.dims, [&](int64_t i, int64_t c) { channels[c].mean += x[i] / samples; });
  for_each(x.dims, [&](int64_t i, int64_t c) {
    const double centered = x[i] - channels[c].mean;
    channels[c].variance += centered * centered / samples;
  });
  return channels;
}

Attrs attrs_of(bool relu) {
  Attrs attrs{{"epsilon", kEpsilon}, {"momentum", kMomentum}};
  if (relu) attrs["epilogue"] = std::string("relu");
  return attrs;
}

struct Operands {
  Tensor x, scale, bias, mean, variance;
  std::vector<Tensor> all() const { return {x, scale, bias, mean, variance}; }
};

Operands operands(const Dims& shape, double shift = 0.5) {
  const Dims channels{shape[1]};
  Operands o{random(shape, 1), random(channels, 2), random(channels, 3), random(channels, 4),
             random(channels, 5)};
  for (double& value : o.x.data) value = static_cast<float>(value + shift);
  for (double& value : o.variance.data) value = std::abs(value) + 0.5;
  for (double& value : o.variance.data) value = static_cast<float>(value);
  return o;
}

double rectified(double value, bool relu) { return relu ? std::max(value, 0.0) : value; }

Tensor normalized(const Operands& o, const std::vector<Channel>& channels, bool relu) {
  Tensor y = zeros(o.x.dims);
  for_each(o.x.dims, [&](int64_t i, int64_t c) {
    const double scaled = o.scale[c] / std::sqrt(channels[c].variance + kEpsilon);
    y[i] = rectified((o.x[i] - channels[c].mean) * scaled + o.bias[c], relu);
  });
  return y;
}

// The five results of training mode; mean and variance in place.
std::vector<Tensor> train(const Operands& o, bool relu) {
  const Dims channels{o.x.dims[1]};
  std::vector<Tensor> outputs{zeros(o.x.dims), zeros(channels), zeros(channels), zeros(channels),
                              zeros(channels)};
  run("batch_norm", attrs_of(relu), o.all(), outputs, {{3, 3}, {4, 4}});
  return outputs;
}

// Runs a kernel by its stages, one after the other.
void run_stages(const char* kernel, const Attrs& attrs, const std::vector<Tensor>& inputs,
                std::vector<Tensor>& outputs) {
  const KernelEntry& entry = entry_of(kernel);
  const Stages stages = entry.stages(step_of(entry, Attributes(attrs), inputs, outputs));
  std::vector<Tensor> between;
  for (const TensorMeta& meta : stages.between) between.push_back(zeros(meta.dims, meta.dtype));
  const auto at = [&](const StageOperand& operand) -> Tensor {
    if (operand.of == StageOperand::Of::Input) return inputs[operand.index];
    return operand.of == StageOperand::Of::Output ? outputs[operand.index] : between[operand.index];
  };
  for (const Stage& stage : stages.stages) {
    std::vector<Tensor> from, to;
    for (const StageOperand& operand : stage.inputs) from.push_back(at(operand));
    for (const StageOperand& operand : stage.outputs) to.push_back(at(operand));
    run_step(entry_of(stage.kernel), stage.attrs, from, to);
    for (size_t i = 0; i < to.size(); ++i) {
      const StageOperand& operand = stage.outputs[i];
      (operand.of == StageOperand::Of::Output ? outputs : between)[operand.index] = to[i];
    }
  }
}

}  // namespace

TEST("batch normalisation uses the statistics of the batch and tracks them") {
  for (const auto& shape : kShapes) {
    for (bool relu : {false, true}) {
      const Operands o = operands(shape);
      const auto channels = moments(o.x);
      const double samples = static_cast<double>(o.x.size()) / shape[1];
      const auto actual = train(o, relu);
      expect_close(actual[0], normalized(o, channels, relu), kTolerance, "y");
      for (int64_t c = 0; c < shape[1]; ++c) {
        const auto expect = [&](size_t output, double value) {
          if (std::abs(actual[output][c] - value) > kTolerance * (1 + std::abs(value))) {
            failed("output ", output, " channel ", c, ": ", actual[output][c], ", expected ",
                   value);
          }
        };
        const double unbiased = channels[c].variance * samples / (samples - 1);
        expect(1, channels[c].mean);
        expect(2, 1 / std::sqrt(channels[c].variance + kEpsilon));
        expect(3, (1 - kMomentum) * o.mean[c] + kMomentum * channels[c].mean);
        expect(4, (1 - kMomentum) * o.variance[c] + kMomentum * unbiased);
      }
    }
  }
}

TEST("the stages of batch normalisation and of its gradient give what they give as one") {
  if (!on_cpu()) return;
  for (const auto& shape : kShapes) {
    for (bool relu : {false, true}) {
      const Operands o = operands(shape);
      const std::vector<Tensor> whole = train(o, relu);
      std::vector<Tensor> staged = whole;
      run_stages("batch_norm", attrs_of(relu), o.all(), staged);
      for (size_t i = 0; i < whole.size(); ++i) expect_close(staged[i], whole[i], kTolerance, "forward");

      const std::vector<Tensor> inputs{o.x, random(shape, 6), o.scale, whole[1], whole[2], o.bias};
      std::vector<Tensor> gradients{zeros(shape), zeros({shape[1]}), zeros({shape[1]})};
      const Attrs attrs = relu ? Attrs{{"epilogue", std::string("relu")}} : Attrs{};
      run("batch_norm_backward", attrs, inputs, gradients);
      std::vector<Tensor> staged_gradients = gradients;
      run_stages("batch_norm_backward", attrs, inputs, staged_gradients);
      for (size_t i = 0; i < gradients.size(); ++i) {
        expect_close(staged_gradients[i], gradients[i], 4 * kTolerance, "gradient");
      }
    }
  }
}

TEST("without running statistics among the outputs they are left alone") {
  const Operands o = operands({2, 17, 3, 3});
  std::vector<Tensor> outputs{zeros(o.x.dims), zeros({17}), zeros({17})};
  run("batch_norm", attrs_of(false), o.all(), outputs);
  expect_equal(outputs[0], train(o, false)[0]);
}

TEST("a mean far from zero does not cost the variance its digits") {
  const Operands o = operands({8, 3, 9, 9}, 1000.0);
  // x itself has a spacing of 6e-5 near 1000, exact in the oracle; only y's own rounding remains.
  expect_close(train(o, false)[0], normalized(o, moments(o.x), false), 5e-5);
}

TEST("inference uses the running statistics") {
  for (const auto& shape : kShapes) {
    for (bool relu : {false, true}) {
      const Operands o = operands(shape);
      std::vector<Channel> channels;
      for (int64_t c = 0; c < shape[1]; ++c) channels.push_back({o.mean[c], o.variance[c]});
      expect_close(run("batch_norm_inference", attrs_of(relu), o.all(), zeros(shape)),
                   normalized(o, channels, relu), kTolerance);
    }
  }
}

TEST("the gradient of batch normalisation agrees with the textbook formula") {
  for (const auto& shape : kShapes) {
    for (bool relu : {false, true}) {
      const Operands o = operands(shape);
      const auto forward = train(o, relu);
      const auto channels = moments(o.x);
      const Tensor dy = random(shape, 9);
      const double samples = static_cast<double>(o.x.size()) / shape[1];
      const auto gradient = [&](int64_t i) { return relu && forward[0][i] <= 0 ? 0.0 : dy[i]; };
      const auto inverse = [&](int64_t c) {
        return 1 / std::sqrt(channels[c].variance + kEpsilon);
      };
      const auto hat = [&](int64_t i, int64_t c) {
        return (o.x[i] - channels[c].mean) * inverse(c);
      };
      Tensor dx = zeros(shape), dscale = zeros({shape[1]}), dbias = zeros({shape[1]});
      for_each(shape, [&](int64_t i, int64_t c) {
        dbias[c] += gradient(i);
        dscale[c] += gradient(i) * hat(i, c);
      });
      for_each(shape, [&](int64_t i, int64_t c) {
        const double centered = gradient(i) - dbias[c] / samples - hat(i, c) * dscale[c] / samples;
        dx[i] = o.scale[c] * inverse(c) * centered;
      });
      std::vector<Tensor> outputs{zeros(shape), zeros({shape[1]}), zeros({shape[1]})};
      std::vector<Tensor> inputs{o.x, dy, o.scale, forward[1], forward[2]};
      if (relu) inputs.push_back(o.bias);
      run("batch_norm_backward", attrs_of(relu), inputs, outputs);
      // batchMean and batchInvStd arrive rounded to float; sums of thousands scale their error.
      expect_close(outputs[0], dx, 5e-6, "dx");
      expect_close(outputs[1], dscale, 1e-5, "dscale");
      expect_close(outputs[2], dbias, 1e-5, "dbias");
    }
  }
}

TEST("batch normalisation is the same bit for bit with one thread and with four") {
  const Operands o = operands({4, 33, 37, 41});
  omp_set_num_threads(1);
  const auto one = train(o, true);
  omp_set_num_threads(4);
  const auto four = train(o, true);
  for (size_t i = 0; i < one.size(); ++i) expect_equal(four[i], one[i]);
}
