// Convolutions, forward and both gradients: which of them our own kernels of blocked/ compute, and the others through
// oneDNN. x [N,C,H,W], w [O,C/groups,kh,kw], b [O], y [N,O,H',W']. Images are blocked here as everywhere; only the few channels of a first
// layer are read plain, since a block of 16 would be mostly padding.
#include <algorithm>
#include <optional>

#include "../semantics/operands.h"
#include "blocked_kernels.h"
#include "dnnl_kernel.h"
#include "kernels.h"

namespace halfspace::cpu {
namespace {

using dnnl::memory;

// A first layer has at most this many channels, all in one group.
constexpr int64_t kFewChannels = 4;

bool is_first_layer(const StepMeta& step) {
  return step.inputs[0].dim(1) <= kFewChannels && step.attrs.integer("groups") == 1;
}

// The operands of any of the three, as shapes of the forward convolution.
struct Convolution {
  const StepMeta& step;
  const TensorMeta& x;
  const TensorMeta& w;
  const TensorMeta& y;
  const TensorMeta* b;
  int64_t groups;
  ConvolutionGeometry geometry;
};

// Size along one spatial axis that a convolution gives.
int64_t output_size(int64_t input, int64_t kernel, int64_t stride, int64_t dilation,
                    int64_t padding) {
  return (input + padding - (dilation * (kernel - 1) + 1)) / stride + 1;
}

void check_shapes(const Convolution& c) {
  const StepMeta& step = c.step;
  step.expect(c.x.is_image() && c.y.is_image() && c.w.is_image(), "operands must be f32 of rank 4");
  for (const TensorMeta* tensor : {&c.x, &c.w, &c.y}) {
    step.expect(tensor->elements() > 0, tensor->text(), " is empty");
  }
  step.expect(c.groups > 0 && c.x.dim(1) % c.groups == 0 && c.w.dim(0) % c.groups == 0,
              c.groups, " groups do not divide the channels");
  step.expect(c.w.dim(1) * c.groups == c.x.dim(1), "the weight ", c.w.text(), " does not fit ",
              c.x.text(), " in ", c.groups, " groups");
  step.expect(c.y.dim(0) == c.x.dim(0) && c.y.dim(1) == c.w.dim(0), c.y.text(), " does not fit ",
              c.x.text(), " and ", c.w.text());
  step.expect(!c.b || c.b->dims == Dims{c.w.dim(0)}, "the bias must have shape [",
              c.w.dim(0), "]");
}

void check_geometry(const Convolution& c) {
  const ConvolutionGeometry& g = c.geometry;
  for (size_t axis = 0; axis < 2; ++axis) {
    bool sensible = g.strides[axis] > 0 && g.dilations[axis] >= 0 && g.padding_begin[axis] >= 0 &&
                    g.padding_end[axis] >= 0;
    c.step.expect(sensible, "strides and dilations must be positive, padding not negative");
    int64_t size = output_size(c.x.dim(axis + 2), c.w.dim(axis + 2), g.strides[axis],
                               g.dilations[axis] + 1, g.padding_begin[axis] + g.padding_end[axis]);
    c.step.expect(size == c.y.dim(axis + 2), "axis ", axis + 2, " gives size ", size,
                  ", the output has ", c.y.dim(axis + 2));
  }
}

// padding is [top, left, bottom, right].
ConvolutionGeometry read_geometry(const StepMeta& step) {
  auto strides = step.attrs.integers("strides");
  auto padding = step.attrs.integers("padding");
  auto dilations = step.attrs.integers("dilations");
  step.expect(strides.size() == 2 && dilations.size() == 2 && padding.size() == 4,
              "strides and dilations have two numbers, padding has four");
  return {strides,
          {dilations[0] - 1, dilations[1] - 1},
          {padding[0], padding[1]},
          {padding[2], padding[3]}};
}

Convolution unchecked(const StepMeta& step, const TensorMeta& x, const TensorMeta& w,
                      const TensorMeta& y, const TensorMeta* b) {
  const int64_t groups = step.attrs.integer("groups");
  step.expect(groups > 0, "groups must be positive, got ", groups);
  return {step, x, w, y, b, groups, read_geometry(step)};
}

Convolution read(const StepMeta& step, const TensorMeta& x, const TensorMeta& w,
                 const TensorMeta& y, const TensorMeta* b) {
  Convolution c = unchecked(step, x, w, y, b);
  check_shapes(c);
  check_geometry(c);
  return c;
}

// The weight with its groups as an axis of its own, which is how oneDNN sees them.
Dims weight_dims(const Convolution& c) {
  if (c.groups == 1) return c.w.dims;
  return {c.groups, c.w.dim(0) / c.groups, c.w.dim(1), c.w.dim(2), c.w.dim(3)};
}

// The layout of images that oneDNN is asked for. That of weights is always its own choice.
enum class Images { Ours, Any };

// Descriptors to ask oneDNN with, for products of `type` and sums in floats, of which `result` is made.
ConvolutionMemory question(const Convolution& c, const TensorMeta& result, Images images,
                           ElementType type) {
  const auto described = [&](const TensorMeta& operand, ElementType element) {
    if (&operand == &c.w) return any(weight_dims(c), element);
    return images == Images::Ours ? describe(operand, element) : any(operand.dims, element);
  };
  memory::desc bias = c.b ? plain(c.b->dims) : memory::desc();
  return {described(c.x, type), described(c.w, type), bias, described(c.y, type),
          described(result, ElementType::f32)};
}

// What to ask until an answer is fast: our layouts first, and floats where there is no bf16.
std::vector<ConvolutionMemory> questions(const Convolution& c, const TensorMeta& result,
                                         Precision precision) {
  std::vector<ConvolutionMemory> all;
  for (ElementType type : {ElementType::bf16, ElementType::f32}) {
    if (type == ElementType::bf16 && precision != Precision::Bf16) continue;
    for (Images images : {Images::Ours, Images::Any}) {
      all.push_back(question(c, result, images, type));
    }
  }
  return all;
}

bool in_blocks(const Convolution& c) { return c.x.is_blocked() && c.y.is_blocked(); }

// One filter a channel.
bool is_depthwise(const Convolution& c) {
  return in_blocks(c) && c.groups == c.x.dim(1) && c.groups == c.y.dim(1);
}

// Weights that stay in a core's cache; larger gradients the library sums better.
constexpr int64_t kPointwiseWeights = 3 << 13;

// A product of matrices, pixel by pixel.
bool is_pointwise(const Convolution& c) {
  const ConvolutionGeometry& g = c.geometry;
  return in_blocks(c) && c.groups == 1 && c.w.elements() <= kPointwiseWeights && c.w.dim(2) == 1 && c.w.dim(3) == 1 &&
         g.strides == memory::dims{1, 1} && c.y.dim(2) == c.x.dim(2) && c.y.dim(3) == c.x.dim(3) &&
         g.padding_begin == memory::dims{0, 0};
}

// Fewer channels on either side are not worth the transforms of images, fewer tiles of 2x2 outputs in the
// batch not those of filters.
constexpr int64_t kWinogradChannels = 16;
constexpr int64_t kWinogradTiles = 32;

// Square filters without gaps, of sizes and strides that blocked/winograd_tiles.cpp has. A strided 3x3 filter
// has too few taps in each phase to gain anything.
bool is_filtered(const Convolution& c) {
  const int64_t taps = c.w.dim(2), stride = c.geometry.strides[0];
  return taps == c.w.dim(3) && stride == c.geometry.strides[1] &&
         c.geometry.dilations == memory::dims{0, 0} &&
         ((taps == 3 && stride == 1) || ((taps == 5 || taps == 7) && stride <= 2));
}

int64_t winograd_tiles(const Convolution& c) {
  return c.y.dim(0) * ceil_div(c.y.dim(2), 2) * ceil_div(c.y.dim(3), 2);
}

// Those, and enough of everything; groups of whole blocks.
bool is_winograd(const Convolution& c) {
  const int64_t in = c.w.dim(1), out = c.y.dim(1) / c.groups;
  return in_blocks(c) && is_filtered(c) &&
         (c.groups == 1 || (in % c.x.block == 0 && out % c.y.block == 0)) &&
         std::min(in, out) >= kWinogradChannels && winograd_tiles(c) >= kWinogradTiles;
}

// A fast primitive, or none.
template <class Make>
auto fast(const ConvolutionMemory& memory, Make make) -> std::optional<decltype(make(memory))> {
  try {
    auto desc = make(memory);
    if (!is_reference(desc)) return desc;
  } catch (const dnnl::error& error) {
    if (error.status != dnnl_unimplemented) throw;
  }
  return std::nullopt;
}

// The library's best primitive: the first fast one, else whatever answers the last question.
template <class Make>
auto choose(const Convolution& c, const TensorMeta& result, Precision precision, Make make) {
  return checked(c.step.describe(), [&] {
    const auto asked = questions(c, result, precision);
    for (const ConvolutionMemory& memory : asked) {
      if (auto desc = fast(memory, make)) return *desc;
    }
    return make(asked.back());
  });
}

BlockedConvolution blocked(const Convolution& c, bool onto = false) {
  return {c.x, c.w, c.y, c.geometry, c.b != nullptr, c.step.attrs.has("epilogue"), onto};
}

// Our own kernels where they are better than the library's, or null. They multiply floats; one filter a
// channel waits for memory, whatever it multiplies.
const ConvolutionKernels* own_kernels(const Convolution& c, Precision precision) {
  if (is_depthwise(c)) return &blocked_kernels(c.x.block).depthwise;
  if (precision == Precision::Fp32 && is_winograd(c)) return &blocked_kernels(c.x.block).winograd;
  return nullptr;
}

template <class Primitive, class Desc>
std::unique_ptr<Kernel> finish(const StepMeta& step, const Desc& desc,
                               const std::vector<Binding>& bindings) {
  return std::make_unique<DnnlKernel>(step.describe(), Primitive(desc), desc.scratchpad_desc(),
                                      bindings);
}

}  // namespace

// Weights are plain wherever they occur: input 1 of the first two, output 0 of the third.
Wanted convolution_layout(const StepMeta& step, Operand operand) {
  bool backward_weights = step.kernel == "conv_backward_weights";
  bool weight = backward_weights ? operand.output : !operand.output && operand.index == 1;
  if (weight) return Wanted::Plain;
  bool x = !operand.output && operand.index == 0 && step.kernel != "conv_backward_data";
  return x && is_first_layer(step) ? Wanted::Plain : Wanted::Blocked;
}

bool convolution_by_image(const StepMeta& step) {
  const auto& in = step.inputs;
  const auto& out = step.outputs;
  const bool data = step.kernel == "conv_backward_data", weights = step.kernel == "conv_backward_weights";
  const TensorMeta& x = data ? out[0] : in[0];
  const TensorMeta& w = weights ? out[0] : in[1];
  const TensorMeta& y = data ? in[0] : weights ? in[1] : out[0];
  if (!x.is_blocked() || !y.is_blocked()) return false;
  const Convolution c = unchecked(step, x, w, y, nullptr);
  return !is_winograd(c) || (!weights && winograd_tiles(c) >= kWinogradTiles * c.y.dim(0));
}

std::optional<Absorbed> absorb_image_gradient(const StepMeta& sum, size_t term, const StepMeta& producer) {
  const bool fits = producer.kernel == "conv_backward_data" && producer.inputs.size() == 2 &&
                    sum.inputs.size() == 2 && !sum.attrs.has("epilogue");
  if (!fits) return std::nullopt;
  const TensorMeta &dy = producer.inputs[0], &w = producer.inputs[1];
  if (!is_depthwise(unchecked(producer, producer.outputs[0], w, dy, nullptr))) return std::nullopt;
  return Absorbed{"conv_backward_data", producer.attrs, {2, 3, 1 - term}};
}

// y = w * x + b
template <Precision kPrecision>
std::unique_ptr<Kernel> make_convolution(const StepMeta& step) {
  step.expect_arity(2, 3, 1, 1);
  const TensorMeta* b = step.inputs.size() > 2 ? &step.inputs[2] : nullptr;
  Convolution c = read(step, step.inputs[0], step.inputs[1], step.outputs[0], b);
  if (const auto* own = own_kernels(c, kPrecision)) return own->forward(blocked(c));
  auto attr = epilogue_attributes(step);
  auto desc = choose(c, c.y, kPrecision, [&](const ConvolutionMemory& m) {
    return convolution_forward(m, c.geometry, attr);
  });
  std::vector<Binding> bindings = {
      {DNNL_ARG_SRC, {false, 0}, describe(c.x), desc.src_desc()},
      {DNNL_ARG_WEIGHTS, {false, 1}, plain(weight_dims(c)), desc.weights_desc(), true},
      {DNNL_ARG_DST, {true, 0}, describe(c.y), desc.dst_desc()},
  };
  if (b) bindings.push_back({DNNL_ARG_BIAS, {false, 2}, plain(b->dims), desc.bias_desc(), true});
  return finish<dnnl::convolution_forward>(step, desc, bindings);
}

// dx = transpose(w) * dy, plus input 2 where there is one
template <Precision kPrecision>
std::unique_ptr<Kernel> make_convolution_backward_data(const StepMeta& step) {
  step.expect_arity(2, 3, 1, 1);
  Convolution c = read(step, step.outputs[0], step.inputs[1], step.inputs[0], nullptr);
  const bool onto = step.inputs.size() == 3;
  if (onto) {
    step.expect(is_depthwise(c), "only filters of one channel each add to an image");
    expect_same(step, step.inputs[2], step.outputs[0]);
  }
  if (const auto* own = own_kernels(c, kPrecision)) return own->backward_data(blocked(c, onto));
  auto desc = choose(c, c.x, kPrecision, [&](const ConvolutionMemory& m) {
    return convolution_backward_data(m, c.geometry, primitive_attributes());
  });
  return finish<dnnl::convolution_backward_data>(
      step, desc,
      {{DNNL_ARG_DIFF_DST, {false, 0}, describe(c.y), desc.diff_dst_desc()},
       {DNNL_ARG_WEIGHTS, {false, 1}, plain(weight_dims(c)), desc.weights_desc(), true},
       {DNNL_ARG_DIFF_SRC, {true, 0}, describe(c.x), desc.diff_src_desc()}});
}

// dw = dy * x, db = sum of dy over batch and space
template <Precision kPrecision>
std::unique_ptr<Kernel> make_convolution_backward_weights(const StepMeta& step) {
  step.expect_arity(2, 2, 1, 2);
  const TensorMeta* b = step.outputs.size() > 1 ? &step.outputs[1] : nullptr;
  Convolution c = read(step, step.inputs[0], step.outputs[0], step.inputs[1], b);
  if (const auto* own = own_kernels(c, kPrecision)) return own->backward_weights(blocked(c));
  if (kPrecision == Precision::Fp32 && is_pointwise(c)) {
    return blocked_kernels(c.x.block).pointwise_backward_weights(blocked(c));
  }
  auto desc = choose(c, c.w, kPrecision, [&](const ConvolutionMemory& m) {
    return convolution_backward_weights(m, c.geometry, primitive_attributes());
  });
  std::vector<Binding> bindings = {
      {DNNL_ARG_SRC, {false, 0}, describe(c.x), desc.src_desc()},
      {DNNL_ARG_DIFF_DST, {false, 1}, describe(c.y), desc.diff_dst_desc()},
      {DNNL_ARG_DIFF_WEIGHTS, {true, 0}, plain(weight_dims(c)), desc.diff_weights_desc()},
  };
  if (b) {
    bindings.push_back({DNNL_ARG_DIFF_BIAS, {true, 1}, plain(b->dims), desc.diff_bias_desc()});
  }
  return finish<dnnl::convolution_backward_weights>(step, desc, bindings);
}

template std::unique_ptr<Kernel> make_convolution<Precision::Fp32>(const StepMeta&);
template std::unique_ptr<Kernel> make_convolution<Precision::Bf16>(const StepMeta&);
template std::unique_ptr<Kernel> make_convolution_backward_data<Precision::Fp32>(const StepMeta&);
template std::unique_ptr<Kernel> make_convolution_backward_data<Precision::Bf16>(const StepMeta&);
template std::unique_ptr<Kernel> make_convolution_backward_weights<Precision::Fp32>(const StepMeta&);
template std::unique_ptr<Kernel> make_convolution_backward_weights<Precision::Bf16>(const StepMeta&);

}  // namespace halfspace::cpu
