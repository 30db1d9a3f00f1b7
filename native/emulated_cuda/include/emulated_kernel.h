// The device side of CUDA C++ for a host compiler: qualifiers, indices, barriers, shuffles, and the
// functions of the math and intrinsic headers that our kernels use.
//
// A thread is a fiber and blocks run one after another, so a __shared__ array is one static array that
// counts as never written when a block starts, with memory of nobody on both sides. `extern __shared__` has no
// counterpart here.
#pragma once

#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "vector_types.h"

#define __global__
#define __device__
#define __host__
#define __shared__ static __attribute__((aligned(::halfspace::emulated::kSharedAlignment)))
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)
#define __grid_constant__

inline constexpr int warpSize = 32;

// They never change in the life of a thread; indices.cpp, which sets them, does not see the const. All are
// of a type without constructors, so that compilers know reading them needs no check.
extern const uint3 threadIdx;
extern const uint3 blockIdx;
extern const uint3 blockDim;
extern const uint3 gridDim;

namespace halfspace::emulated {

using Place = std::source_location;

// Waits until all threads of the block are here.
void barrier(Place place);
// Every shared array begins at a multiple of this, which is more than a block can have.
inline constexpr size_t kSharedAlignment = 65536;
// Where the next lane's value lies in what an exchange returns.
inline constexpr size_t kExchangeBytes = 8;
// Waits until all lanes of `mask` are here. Returns what they brought, `bytes` at `value` of each, lane
// after lane; it stays until this lane's next exchange.
const std::byte* exchange(unsigned mask, const void* value, size_t bytes, Place place);
// Orders the memory accesses of the lanes of `mask`.
void warp_barrier(unsigned mask, Place place);
// Allows this block to read what other blocks of its launch wrote.
void fence();
// Ends the launch with cudaErrorLaunchFailure.
[[noreturn]] void trap(Place place);
unsigned lane();
// Whether `source` took part in the exchange; ends the launch where it did not.
void expect_lane(unsigned mask, unsigned source, Place place);
// The two halves of an atomic operation, which is no race with others; the memory must have been written.
void atomic_load(const void* address, void* value, size_t bytes, Place place);
void atomic_store(void* address, const void* value, size_t bytes);

template <class T>
T shuffle(unsigned mask, T value, unsigned source, Place place) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kExchangeBytes);
  const std::byte* values = exchange(mask, &value, sizeof(T), place);
  expect_lane(mask, source, place);
  T result;
  std::memcpy(&result, values + source * kExchangeBytes, sizeof(T));
  return result;
}

// One of the lanes that share `width` lanes with this one.
inline unsigned segment_start(int width) { return lane() & ~static_cast<unsigned>(width - 1); }

template <class T, class Combine>
T atomically(T* address, Combine combine, Place place) {
  T before;
  atomic_load(address, &before, sizeof(T), place);
  T after = combine(before);
  atomic_store(address, &after, sizeof(T));
  return before;
}

}  // namespace halfspace::emulated

#define HALFSPACE_HERE \
  halfspace::emulated::Place place = halfspace::emulated::Place::current()

inline void __syncthreads(HALFSPACE_HERE) { halfspace::emulated::barrier(place); }
inline void __syncwarp(unsigned mask = 0xffffffffu, HALFSPACE_HERE) {
  halfspace::emulated::warp_barrier(mask, place);
}
inline void __threadfence() { halfspace::emulated::fence(); }
inline void __threadfence_block() {}
[[noreturn]] inline void __trap(HALFSPACE_HERE) { halfspace::emulated::trap(place); }

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, HALFSPACE_HERE) {
  unsigned from = halfspace::emulated::segment_start(width) + (source & (width - 1));
  return halfspace::emulated::shuffle(mask, value, from, place);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, HALFSPACE_HERE) {
  unsigned end = halfspace::emulated::segment_start(width) + width;
  unsigned from = halfspace::emulated::lane() + delta;
  return halfspace::emulated::shuffle(mask, value,
                                      from < end ? from : halfspace::emulated::lane(), place);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, HALFSPACE_HERE) {
  unsigned lane = halfspace::emulated::lane();
  bool inside = lane >= halfspace::emulated::segment_start(width) + delta;
  return halfspace::emulated::shuffle(mask, value, inside ? lane - delta : lane, place);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, HALFSPACE_HERE) {
  unsigned lane = halfspace::emulated::lane();
  unsigned from = lane ^ static_cast<unsigned>(bits);
  bool inside = from < halfspace::emulated::segment_start(width) + width;
  return halfspace::emulated::shuffle(mask, value, inside ? from : lane, place);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, HALFSPACE_HERE) {
  const int value = predicate != 0;
  const std::byte* values = halfspace::emulated::exchange(mask, &value, sizeof(int), place);
  unsigned ballot = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!(mask >> lane & 1)) continue;
    int vote;
    std::memcpy(&vote, values + lane * halfspace::emulated::kExchangeBytes, sizeof(int));
    ballot |= static_cast<unsigned>(vote) << lane;
  }
  return ballot;
}
inline int __any_sync(unsigned mask, int predicate, HALFSPACE_HERE) {
  return __ballot_sync(mask, predicate, place) != 0;
}
inline int __all_sync(unsigned mask, int predicate, HALFSPACE_HERE) {
  return __ballot_sync(mask, predicate, place) == mask;
}

// Integers alone: sums of floating point in no fixed order are not reproducible.
template <class T>
  requires std::is_integral_v<T>
T atomicAdd(T* address, std::type_identity_t<T> value, HALFSPACE_HERE) {
  return halfspace::emulated::atomically(address, [&](T x) { return T(x + value); }, place);
}
template <class T>
  requires std::is_integral_v<T>
T atomicMax(T* address, std::type_identity_t<T> value, HALFSPACE_HERE) {
  return halfspace::emulated::atomically(
      address, [&](T x) { return x > value ? x : value; }, place);
}
template <class T>
  requires std::is_integral_v<T>
T atomicExch(T* address, std::type_identity_t<T> value, HALFSPACE_HERE) {
  return halfspace::emulated::atomically(address, [&](T) { return value; }, place);
}

#undef HALFSPACE_HERE

// Loads and stores with a hint for the caches, which there are none of here.
template <class T>
T __ldg(const T* address) {
  return *address;
}
template <class T>
T __ldcs(const T* address) {
  return *address;
}
template <class T>
T __ldcg(const T* address) {
  return *address;
}
template <class T>
void __stcs(T* address, std::type_identity_t<T> value) {
  *address = value;
}
template <class T>
void __stcg(T* address, std::type_identity_t<T> value) {
  *address = value;
}

// Fast approximations, answered exactly.
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __saturatef(float x) { return fminf(fmaxf(x, 0.0f), 1.0f); }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }

inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }
inline unsigned __umulhi(unsigned x, unsigned y) {
  return static_cast<unsigned>(static_cast<uint64_t>(x) * y >> 32);
}

// CUDA has these for mixed arguments too.
template <class A, class B>
  requires std::is_arithmetic_v<A> && std::is_arithmetic_v<B>
constexpr std::common_type_t<A, B> min(A a, B b) {
  return b < a ? b : a;
}
template <class A, class B>
  requires std::is_arithmetic_v<A> && std::is_arithmetic_v<B>
constexpr std::common_type_t<A, B> max(A a, B b) {
  return a < b ? b : a;
}
