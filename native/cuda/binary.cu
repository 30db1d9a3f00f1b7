// Functions of two numbers, applied to two tensors that broadcast to a third.
#include "../semantics/binary.h"
#include "kernels.h"
#include "walk.cuh"

namespace halfspace::cuda {
namespace {

template <class Function>
struct OfTwo {
  __device__ float operator()(const float (&x)[2]) const { return Function{}(x[0], x[1]); }
};

template <class Function>
class Binary final : public CudaKernel {
 public:
  explicit Binary(const StepMeta& step) : map_(step, binary_walk(step)) {}

  void run(const Buffers& buffers) override { map_.run(context_, {}, buffers); }

 private:
  WalkMap<2, OfTwo<Function>> map_;
};

struct Maker {
  const StepMeta& step;

  template <class Function>
  std::unique_ptr<Kernel> operator()(Function) const {
    return std::make_unique<Binary<Function>>(step);
  }
};

}  // namespace

std::unique_ptr<Kernel> make_binary(const StepMeta& step) {
  return with_binary_function(step, Maker{step});
}

}  // namespace halfspace::cuda
