// Functions of one element at a time and their derivatives, mapped over tensors.
#include "../semantics/unary_functions.h"
#include "kernels.h"
#include "map.cuh"
#include "operands.h"

namespace halfspace::cuda {
namespace {

template <class Function>
struct Value {
  Function f;
  __device__ float operator()(const float (&x)[1]) const { return f.value(x[0]); }
};

// dx = dy f'(x), of dy, x and y
template <class Function>
struct Slope {
  Function f;
  __device__ float operator()(const float (&in)[3]) const { return in[0] * f.slope(in[1], in[2]); }
};

template <class Function>
class Unary final : public CudaKernel {
 public:
  Unary(const StepMeta& step, Function f)
      : f_{f}, count_(step.outputs.at(0).stored_elements()), type_(step.outputs[0].dtype) {
    step.expect_arity(1, 1, 1, 1);
    expect_same(step, step.inputs[0], step.outputs[0]);
  }

  void run(const Buffers& buffers) override {
    with_element(type_, [&]<class T>(ElementType<T>) {
      map(context_, f_, operands_of<1, T>(buffers), count_);
    });
  }

 private:
  Value<Function> f_;
  int64_t count_;
  DType type_;
};

template <class Function>
class UnaryBackward final : public CudaKernel {
 public:
  UnaryBackward(const StepMeta& step, Function f)
      : f_{f}, count_(step.outputs.at(0).stored_elements()), type_(step.outputs[0].dtype) {
    step.expect_arity(3, 3, 1, 1);
    for (const TensorMeta& input : step.inputs) expect_same(step, input, step.outputs[0]);
  }

  void run(const Buffers& buffers) override {
    with_element(type_, [&]<class T>(ElementType<T>) {
      map(context_, f_, operands_of<3, T>(buffers), count_);
    });
  }

 private:
  Slope<Function> f_;
  int64_t count_;
  DType type_;
};

}  // namespace

std::unique_ptr<Kernel> make_unary(const StepMeta& step) {
  return unary::make<Unary>(step);
}

std::unique_ptr<Kernel> make_unary_backward(const StepMeta& step) {
  return unary::make<UnaryBackward>(step);
}

}  // namespace halfspace::cuda
