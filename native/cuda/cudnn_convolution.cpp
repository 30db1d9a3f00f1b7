// Convolutions through cuDNN, forward and both gradients. Images are NHWC, of floats or bf16. Weights lie
// in the arena as floats [K,C,R,S] at any multiple of 4 bytes and are brought to [K,R,S,C] and the images'
// type in scratch, which is little beside the images; so cuDNN sees aligned memory always, and a gradient
// of bf16 becomes one of floats after its sums, which are in fp32, are complete.
#include "algorithms.h"
#include "building_blocks.h"
#include "depthwise.h"
#include "direct_convolution.h"
#include "frame.h"
#include "kernels.h"
#include "operands.h"
#include "scratch.h"

namespace halfspace::cuda {
namespace {

// What cuDNN convolves with the padding it knows, the same at both ends of an axis. Padding at the end
// that no window reaches makes no difference; where it does, zeros are put around x.
struct Symmetric {
  ConvolutionShape shape;
  std::optional<Frame> frame;

  Symmetric(const ConvolutionShape& given, DType type) : shape(given) {
    if (fits(0, shape.h, shape.r, shape.p) && fits(1, shape.w, shape.s, shape.q)) return;
    const auto [top, left] = shape.padding_begin;
    frame = {shape.n, shape.h, shape.w,
             shape.c, top,     left,
             shape.h + top + shape.padding_end[0], shape.w + left + shape.padding_end[1], type};
    shape.h = frame->height;
    shape.w = frame->width;
    shape.padding_begin = {0, 0};
  }

 private:
  bool fits(size_t axis, int64_t input, int64_t kernel, int64_t output) const {
    return convolved_size(input, kernel, shape.strides[axis], shape.dilations[axis],
                          2 * shape.padding_begin[axis]) == output;
  }
};

// What the three passes share: cuDNN's descriptors, its algorithm, and scratch for the operands that it
// wants in another form.
template <class Direction>
class Convolution : public CudaKernel {
 public:
  Convolution(const StepMeta& step, const Symmetric& symmetric, const Algorithm<Direction>& algorithm)
      : type_(step.inputs[0].dtype),
        symmetric_(symmetric),
        algorithm_(algorithm),
        descriptors_(symmetric_.shape, type_, algorithm_.math) {
    const ConvolutionShape& s = shape();
    weights_at_ = scratch_.reserve(size_of(type_) * s.k * (s.c / s.groups) * s.r * s.s);
    if (symmetric_.frame) framed_at_ = scratch_.reserve(symmetric_.frame->bytes());
    workspace_at_ = scratch_.reserve(algorithm_.workspace_bytes);
  }

  size_t scratch_bytes() const override { return scratch_.bytes(); }

 protected:
  const ConvolutionShape& shape() const { return symmetric_.shape; }

  // The weights as cuDNN wants them.
  const void* arranged(const Buffers& buffers, const float* weights) const {
    const ConvolutionShape& s = shape();
    void* krsc = piece(buffers, weights_at_);
    weights_to_krsc(context_, weights, krsc, type_, s.k, s.c / s.groups, s.r, s.s);
    return krsc;
  }

  // x, with zeros around where cuDNN needs them.
  const void* framed(const Buffers& buffers, const void* x) const {
    if (!symmetric_.frame) return x;
    add_frame(context_, *symmetric_.frame, x, piece(buffers, framed_at_));
    return piece(buffers, framed_at_);
  }

  void convolve(const Buffers& buffers, const void* first, const void* second,
                void* result) const {
    run_convolution<Direction>(context_.cudnn(), descriptors_, algorithm_.algorithm, first, second,
                               result, piece(buffers, workspace_at_), algorithm_.workspace_bytes);
  }

  DType type_;
  Symmetric symmetric_;
  Algorithm<Direction> algorithm_;
  CudnnConvolution descriptors_;
  Scratch scratch_;
  size_t weights_at_ = 0;
  size_t framed_at_ = 0;
  size_t workspace_at_ = 0;
};

// y = w * x + b
class ConvolutionForward final : public Convolution<Forward> {
 public:
  ConvolutionForward(const StepMeta& step, const Symmetric& symmetric,
                     const Algorithm<Forward>& algorithm)
      : Convolution(step, symmetric, algorithm),
        biased_(step.inputs.size() > 2),
        epilogue_(has_relu(step) ? Epilogue::Relu : Epilogue::None) {}

  void run(const Buffers& buffers) override {
    const void* w = arranged(buffers, buffers.in(1));
    convolve(buffers, framed(buffers, buffers.inputs[0]), w, buffers.outputs[0]);
    if (!biased_ && epilogue_ == Epilogue::None) return;
    add_bias(context_, biased_ ? buffers.in(2) : nullptr, buffers.outputs[0], type_,
             shape().n * shape().p * shape().q, shape().k, epilogue_);
  }

 private:
  bool biased_;
  Epilogue epilogue_;
};

// dx = transpose(w) * dy
class ConvolutionBackwardData final : public Convolution<BackwardData> {
 public:
  using Convolution::Convolution;

  void run(const Buffers& buffers) override {
    const void* w = arranged(buffers, buffers.in(1));
    const bool frame = symmetric_.frame.has_value();
    void* dx = frame ? piece(buffers, framed_at_) : buffers.outputs[0];
    convolve(buffers, w, buffers.inputs[0], dx);
    if (frame) remove_frame(context_, *symmetric_.frame, dx, buffers.outputs[0]);
  }
};

// dw = dy * x, db = sum of dy over batch and space
class ConvolutionBackwardWeights final : public Convolution<BackwardFilter> {
 public:
  ConvolutionBackwardWeights(const StepMeta& step, const Symmetric& symmetric,
                             const Algorithm<BackwardFilter>& algorithm)
      : Convolution(step, symmetric, algorithm), biased_(step.outputs.size() > 1) {
    if (biased_) sums_at_ = scratch_.reserve(sum_columns_scratch(rows(), shape().k));
  }

  void run(const Buffers& buffers) override {
    const ConvolutionShape& s = shape();
    void* krsc = piece(buffers, weights_at_);
    convolve(buffers, framed(buffers, buffers.inputs[0]), buffers.inputs[1], krsc);
    weights_to_kcrs(context_, krsc, type_, buffers.out(0), s.k, s.c / s.groups, s.r, s.s);
    if (!biased_) return;
    sum_columns(context_, buffers.inputs[1], type_, buffers.out(1), rows(), s.k,
                piece(buffers, sums_at_));
  }

 private:
  int64_t rows() const { return shape().n * shape().p * shape().q; }

  bool biased_;
  size_t sums_at_ = 0;
};

// The kernel over cuDNN where that has an algorithm, or else our own. Of depthwise convolutions cuDNN makes
// poor work.
template <class OverCudnn, class Direction>
std::unique_ptr<Kernel> over_cudnn_or(
    std::unique_ptr<Kernel> (*make_own)(const StepMeta&, const ConvolutionShape&), const StepMeta& step,
    const ConvolutionShape& shape) {
  if (shape.is_depthwise()) return make_own(step, shape);
  const Symmetric symmetric(shape, step.inputs[0].dtype);
  const auto algorithm = choose_algorithm<Direction>(Context::current(), symmetric.shape);
  if (!algorithm) return make_own(step, shape);
  return std::make_unique<OverCudnn>(step, symmetric, *algorithm);
}

}  // namespace

// Weights are plain wherever they occur: input 1 of the first two, output 0 of the third.
Wanted convolution_layout(const StepMeta& step, Operand operand) {
  bool backward_weights = step.kernel == "conv_backward_weights";
  bool weight = backward_weights ? operand.output : !operand.output && operand.index == 1;
  return weight ? Wanted::Plain : Wanted::Blocked;
}

std::unique_ptr<Kernel> make_convolution(const StepMeta& step) {
  step.expect_arity(2, 3, 1, 1);
  const TensorMeta* b = step.inputs.size() > 2 ? &step.inputs[2] : nullptr;
  ConvolutionShape shape = read_convolution(step, step.inputs[0], step.inputs[1], step.outputs[0], b);
  if (is_tiled(shape)) return make_depthwise(step, shape);
  return over_cudnn_or<ConvolutionForward, Forward>(make_direct, step, shape);
}

std::unique_ptr<Kernel> make_convolution_backward_data(const StepMeta& step) {
  step.expect_arity(2, 2, 1, 1);
  ConvolutionShape shape =
      read_convolution(step, step.outputs[0], step.inputs[1], step.inputs[0], nullptr);
  if (is_tiled(shape)) return make_depthwise_backward_data(step, shape);
  return over_cudnn_or<ConvolutionBackwardData, BackwardData>(make_direct_backward_data, step, shape);
}

std::unique_ptr<Kernel> make_convolution_backward_weights(const StepMeta& step) {
  step.expect_arity(2, 2, 1, 2);
  const TensorMeta* b = step.outputs.size() > 1 ? &step.outputs[1] : nullptr;
  ConvolutionShape shape = read_convolution(step, step.inputs[0], step.outputs[0], step.inputs[1], b);
  if (is_tiled(shape)) return make_depthwise_backward_weights(step, shape);
  return over_cudnn_or<ConvolutionBackwardWeights, BackwardFilter>(make_direct_backward_weights, step,
                                                                   shape);
}

}  // namespace halfspace::cuda
