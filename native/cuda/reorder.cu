// Moving tensors between layouts (`reorder`) and between shapes (`reshape`), and on the way between f32
// and bf16 where images are kept so. A reshape keeps the
// row-major order of elements, which between NHWC images means a way through plain memory. An NHWC
// image is a batch of matrices [H W, C], a plain one of [C, H W].
#include "kernels.h"
#include "operands.h"
#include "scale.cuh"
#include "transposition.h"

namespace halfspace::cuda {
namespace {

Matrices as_plain_matrices(const TensorMeta& image) {
  return {image.dim(0), image.dim(1), image.dim(2) * image.dim(3)};
}
Matrices as_nhwc_matrices(const TensorMeta& image) {
  return {image.dim(0), image.dim(2) * image.dim(3), image.dim(1)};
}

class Copy final : public CudaKernel {
 public:
  explicit Copy(size_t bytes) : bytes_(bytes) {}
  void run(const Buffers& buffers) override {
    if (bytes_ == 0) return;
    HALFSPACE_CUDA(cudaMemcpyAsync(buffers.outputs[0], buffers.inputs[0], bytes_,
                                   cudaMemcpyDeviceToDevice, stream()));
  }

 private:
  size_t bytes_;
};

// The same memory but for the element type.
class Convert final : public CudaKernel {
 public:
  explicit Convert(const StepMeta& step)
      : map_(step, Walk<2>({step.outputs[0].elements()}, {Dims{1}, Dims{1}})) {}
  void run(const Buffers& buffers) override { map_.run(context_, {}, buffers); }

 private:
  ScaleMap map_;
};

class Turn final : public CudaKernel {
 public:
  Turn(const StepMeta& step, const Matrices& matrices)
      : matrices_(matrices), from_(step.inputs[0].dtype), to_(step.outputs[0].dtype) {}
  void run(const Buffers& buffers) override {
    transpose(context_, matrices_, buffers.inputs[0], from_, buffers.outputs[0], to_);
  }

 private:
  Matrices matrices_;
  DType from_, to_;
};

// NHWC to plain in scratch, and on to NHWC in the new shape.
class TurnTwice final : public CudaKernel {
 public:
  TurnTwice(const TensorMeta& from, const TensorMeta& to)
      : first_(as_nhwc_matrices(from)),
        second_(as_plain_matrices(to)),
        bytes_(from.bytes()),
        type_(from.dtype) {}

  size_t scratch_bytes() const override { return bytes_; }

  void run(const Buffers& buffers) override {
    transpose(context_, first_, buffers.inputs[0], type_, buffers.scratch, type_);
    transpose(context_, second_, buffers.scratch, type_, buffers.outputs[0], type_);
  }

 private:
  Matrices first_, second_;
  size_t bytes_;
  DType type_;
};

void check_reshape(const StepMeta& step) {
  step.expect_arity(1, 1, 1, 1);
  const TensorMeta &from = step.inputs[0], &to = step.outputs[0];
  step.expect(from.dtype == to.dtype || (from.is_floating() && to.is_floating()),
              from.text(), " does not become ", to.text());
  step.expect(from.elements() == to.elements(), from.elements(), " elements do not become ",
              to.elements());
}

// An NHWC image of one pixel or one channel is row-major at the same time.
bool is_row_major(const TensorMeta& meta) {
  return !meta.is_blocked() || meta.dim(1) == 1 || meta.dim(2) * meta.dim(3) == 1;
}

bool is_same_memory(const TensorMeta& from, const TensorMeta& to) {
  return (from.dims == to.dims && from.layout == to.layout) ||
         (is_row_major(from) && is_row_major(to));
}

}  // namespace

std::unique_ptr<Kernel> make_reorder(const StepMeta& step) {
  check_reshape(step);
  step.expect(step.inputs[0].dims == step.outputs[0].dims, "the shape must stay the same");
  return make_reshape(step);
}

std::unique_ptr<Kernel> make_reshape(const StepMeta& step) {
  check_reshape(step);
  const TensorMeta &from = step.inputs[0], &to = step.outputs[0];
  if (is_same_memory(from, to)) {
    if (from.dtype == to.dtype) return std::make_unique<Copy>(to.bytes());
    return std::make_unique<Convert>(step);
  }
  if (is_row_major(to)) return std::make_unique<Turn>(step, as_nhwc_matrices(from));
  if (is_row_major(from)) return std::make_unique<Turn>(step, as_plain_matrices(to));
  return std::make_unique<TurnTwice>(from, to);
}

bool reshape_is_alias(const StepMeta& step) {
  const TensorMeta &from = step.inputs[0], &to = step.outputs[0];
  return from.elements() == to.elements() && from.dtype == to.dtype && is_same_memory(from, to);
}

}  // namespace halfspace::cuda
