#include "convolution.h"

namespace halfspace {
namespace {

void check_operands(const StepMeta& step, const TensorMeta& x, const TensorMeta& w,
                    const TensorMeta& y, const TensorMeta* b) {
  for (const TensorMeta* tensor : {&x, &w, &y}) {
    step.expect(tensor->is_image(), "operands must be floats of rank 4, got ", tensor->text());
    step.expect(tensor->elements() > 0, tensor->text(), " is empty");
  }
  step.expect(!b || (b->dtype == DType::F32 && b->dims == Dims{w.dim(0)}),
              "the bias must be f32[", w.dim(0), "]");
}

void check_channels(const StepMeta& step, const TensorMeta& x, const TensorMeta& w,
                    const TensorMeta& y, int64_t groups) {
  step.expect(groups > 0 && x.dim(1) % groups == 0 && w.dim(0) % groups == 0, groups,
              " groups do not divide the channels");
  step.expect(w.dim(1) * groups == x.dim(1), "the weight ", w.text(), " does not fit ", x.text(),
              " in ", groups, " groups");
  step.expect(y.dim(0) == x.dim(0) && y.dim(1) == w.dim(0), y.text(), " does not fit ", x.text(),
              " and ", w.text());
}

// padding is [top, left, bottom, right].
void read_geometry(const StepMeta& step, ConvolutionShape& shape) {
  auto strides = step.attrs.integers("strides");
  auto padding = step.attrs.integers("padding");
  auto dilations = step.attrs.integers("dilations");
  step.expect(strides.size() == 2 && dilations.size() == 2 && padding.size() == 4,
              "strides and dilations have two numbers, padding has four");
  for (size_t axis = 0; axis < 2; ++axis) {
    shape.strides[axis] = strides[axis];
    shape.dilations[axis] = dilations[axis];
    shape.padding_begin[axis] = padding[axis];
    shape.padding_end[axis] = padding[axis + 2];
    step.expect(strides[axis] > 0 && dilations[axis] > 0 && padding[axis] >= 0 &&
                    padding[axis + 2] >= 0,
                "strides and dilations must be positive, padding not negative");
  }
}

void check_sizes(const StepMeta& step, const ConvolutionShape& shape) {
  const std::array<int64_t, 2> input{shape.h, shape.w}, kernel{shape.r, shape.s},
      output{shape.p, shape.q};
  for (size_t axis = 0; axis < 2; ++axis) {
    int64_t size =
        convolved_size(input[axis], kernel[axis], shape.strides[axis], shape.dilations[axis],
                       shape.padding_begin[axis] + shape.padding_end[axis]);
    step.expect(size == output[axis], "axis ", axis + 2, " gives size ", size, ", the output has ",
                output[axis]);
  }
}

}  // namespace

int64_t convolved_size(int64_t input, int64_t kernel, int64_t stride, int64_t dilation,
                       int64_t padding) {
  return (input + padding - (dilation * (kernel - 1) + 1)) / stride + 1;
}

ConvolutionShape read_convolution(const StepMeta& step, const TensorMeta& x, const TensorMeta& w,
                                  const TensorMeta& y, const TensorMeta* b) {
  check_operands(step, x, w, y, b);
  const int64_t groups = step.attrs.integer("groups");
  check_channels(step, x, w, y, groups);
  ConvolutionShape shape{x.dim(0), x.dim(1), x.dim(2), x.dim(3), w.dim(0), w.dim(2), w.dim(3),
                         y.dim(2), y.dim(3), groups,   {},       {},       {},       {}};
  read_geometry(step, shape);
  check_sizes(step, shape);
  return shape;
}

}  // namespace halfspace
