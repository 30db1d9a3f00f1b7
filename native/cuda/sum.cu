// The sum of tensors of one shape, optionally rectified: what joins the branches of a network.
#include <array>

#include "kernels.h"
#include "map.cuh"
#include "operands.h"

namespace halfspace::cuda {
namespace {

// Inputs of one launch; a longer sum takes several, each beginning with what is there already.
constexpr size_t kMostTerms = 8;

template <int kTerms>
struct Total {
  bool relu;

  __device__ float operator()(const float (&x)[kTerms]) const {
    float sum = x[0];
#pragma unroll
    for (int k = 1; k < kTerms; ++k) sum += x[k];
    return relu && sum < 0.0f ? 0.0f : sum;
  }
};

class Sum final : public CudaKernel {
 public:
  explicit Sum(const StepMeta& step)
      : count_(step.outputs.at(0).stored_elements()),
        relu_(has_relu(step)),
        type_(step.outputs[0].dtype) {
    step.expect(step.inputs.size() >= 1 && step.outputs.size() == 1,
                "expected at least one input and one output");
    for (const TensorMeta& input : step.inputs) expect_same(step, input, step.outputs[0]);
  }

  void run(const Buffers& buffers) override {
    with_element(type_, [&]<class T>(ElementType<T>) { add_all<T>(buffers); });
  }

 private:
  template <class T>
  void add_all(const Buffers& buffers) const {
    std::array<const T*, kMostTerms> terms;
    T* sum = buffers.out<T>(0);
    size_t used = 0;
    for (size_t i = 0; i < buffers.inputs.size(); ++i) {
      if (used == kMostTerms) {
        add<kMostTerms>(terms.data(), used, sum, false);
        terms[0] = sum;
        used = 1;
      }
      terms[used++] = buffers.in<T>(i);
    }
    add<kMostTerms>(terms.data(), used, sum, relu_);
  }

  // Launches the kernel for as many terms as there are, at most kTerms.
  template <int kTerms, class T>
  void add(const T* const* terms, size_t count, T* sum, bool relu) const {
    if constexpr (kTerms > 1) {
      if (count < kTerms) return add<kTerms - 1>(terms, count, sum, relu);
    }
    Operands<kTerms, T> operands{};
    std::copy_n(terms, kTerms, operands.in);
    operands.out = sum;
    map(context_, Total<kTerms>{relu}, operands, count_);
  }

  int64_t count_;
  bool relu_;
  DType type_;
};

}  // namespace

std::unique_ptr<Kernel> make_sum(const StepMeta& step) { return std::make_unique<Sum>(step); }

}  // namespace halfspace::cuda
