#include "bf16_products.h"

#include <array>

#include "kernels.h"
#include "registry.h"

namespace halfspace::cpu {
namespace {

// All that registry.cpp says of a kernel, but made by `make`. None of these depends on the width of blocks.
KernelEntry made_by(KernelFactory make, const char* kernel) {
  KernelEntry entry = *find_kernel(kernel, 16);
  entry.make = make;
  return entry;
}

}  // namespace

const KernelEntry* find_bf16_product(const std::string& kernel) {
  constexpr auto kBf16 = Precision::Bf16;
  static const std::array table = {
      made_by(make_convolution<kBf16>, "conv"),
      made_by(make_convolution_backward_data<kBf16>, "conv_backward_data"),
      made_by(make_convolution_backward_weights<kBf16>, "conv_backward_weights"),
      made_by(make_linear<kBf16>, "linear"),
      made_by(make_linear_backward_data<kBf16>, "linear_backward_data"),
      made_by(make_linear_backward_weights<kBf16>, "linear_backward_weights"),
      made_by(make_matmul<kBf16>, "matmul"),
  };
  for (const KernelEntry& entry : table) {
    if (kernel == entry.name) return &entry;
  }
  return nullptr;
}

}  // namespace halfspace::cpu
