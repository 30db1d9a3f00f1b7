// Elements in memory and in registers. Kernels compute with floats (sums in double); what lies in memory
// as bf16 becomes a float when it is loaded and is rounded to nearest, ties to even, when it is stored.
// So a kernel is written once, and its element type is chosen where it is launched.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "../tensor.h"

namespace halfspace::cuda {

using Bf16 = __nv_bfloat16;

__device__ inline float to_float(float value) { return value; }
__device__ inline float to_float(Bf16 value) { return __bfloat162float(value); }

template <class T>
__device__ inline T to_element(float value);
template <>
__device__ inline float to_element<float>(float value) {
  return value;
}
template <>
__device__ inline Bf16 to_element<Bf16>(float value) {
  return __float2bfloat16_rn(value);
}

// Names an element type for a generic function.
template <class T>
struct ElementType {
  using Type = T;
};

// Calls body(ElementType<T>{}) with the T of `type`, which is one of floats.
template <class Body>
void with_element(DType type, const Body& body) {
  if (type == DType::BF16) {
    body(ElementType<Bf16>{});
  } else {
    body(ElementType<float>{});
  }
}

// Elements of one load or store, where memory allows.
inline constexpr int kWide = 4;

// Neighbours in registers,
template <int kWidth>
struct alignas(kWidth * sizeof(float)) Vector {
  float at[kWidth];
};
// and in memory.
template <class T, int kWidth>
struct alignas(kWidth * sizeof(T)) Pack {
  T at[kWidth];
};

template <int kWidth, class T>
__device__ inline Vector<kWidth> load(const T* from) {
  const auto pack = *reinterpret_cast<const Pack<T, kWidth>*>(from);
  Vector<kWidth> result;
#pragma unroll
  for (int lane = 0; lane < kWidth; ++lane) result.at[lane] = to_float(pack.at[lane]);
  return result;
}
template <int kWidth, class T>
__device__ inline void store(T* to, const Vector<kWidth>& value) {
  Pack<T, kWidth> pack;
#pragma unroll
  for (int lane = 0; lane < kWidth; ++lane) pack.at[lane] = to_element<T>(value.at[lane]);
  *reinterpret_cast<Pack<T, kWidth>*>(to) = pack;
}

template <class T>
bool is_wide(const T* address) {
  return reinterpret_cast<uintptr_t>(address) % sizeof(Pack<T, kWide>) == 0;
}

// An array whose element type is known at run time only, for kernels whose operands may differ in it.
// All threads of a launch take the same turn.
struct AnyArray {
  void* data;
  DType type;

  bool is_wide() const {
    return type == DType::BF16 ? cuda::is_wide(static_cast<const Bf16*>(data))
                               : cuda::is_wide(static_cast<const float*>(data));
  }
  AnyArray from(int64_t at) const {
    return {static_cast<char*>(data) + at * static_cast<int64_t>(size_of(type)), type};
  }
  template <int kWidth>
  __device__ Vector<kWidth> load(int64_t at) const {
    if (type == DType::BF16) return cuda::load<kWidth>(static_cast<const Bf16*>(data) + at);
    return cuda::load<kWidth>(static_cast<const float*>(data) + at);
  }
  template <int kWidth>
  __device__ void store(int64_t at, const Vector<kWidth>& value) const {
    if (type == DType::BF16) {
      cuda::store(static_cast<Bf16*>(data) + at, value);
    } else {
      cuda::store(static_cast<float*>(data) + at, value);
    }
  }
};

}  // namespace halfspace::cuda
