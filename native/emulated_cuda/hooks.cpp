// The functions that g++ -fsanitize=thread calls before every load and store. Sources with kernels are
// compiled with that option and linked with these instead of the sanitizer's own library, so that each
// access of a kernel is checked. Host code of the same sources passes through unchecked.
#include <cstdint>

#include "access.h"
#include "block.h"
#include "memory.h"
#include "private_memory.h"
#include "shared_memory.h"

namespace halfspace::emulated {
namespace {

// Constants, and the arguments of the launch, are read where they lie in host memory. Pinned memory is a
// device's to use.
bool may_touch_host(Access access, const void* address, size_t bytes) {
  return access == Access::Read || is_pinned(address, bytes);
}

// Everything but the common case: what is no device memory, and what needs a closer look.
__attribute__((noinline)) void check(Access access, const void* address, size_t bytes,
                                     const void* code) {
  if (is_private(address) || !is_in_kernel()) return;
  if (shadow.covers(address)) {
    if (!touch(access, address, bytes)) bad_access(access, address, bytes, code);
  } else if (is_shared(address, bytes)) {
    touch_shared(access, address, bytes, code);
  } else if (!may_touch_host(access, address, bytes)) {
    bad_access(access, address, bytes, code);
  }
}

template <Access kAccess, size_t kBytes>
void check(const void* address, const void* code) {
  if (!touch_simply<kAccess, kBytes>(address)) check(kAccess, address, kBytes, code);
}

}  // namespace
}  // namespace halfspace::emulated

using halfspace::emulated::Access;
using halfspace::emulated::check;

#define HALFSPACE_HOOK(name, access, bytes) \
  void name(void* address) { check<access, bytes>(address, __builtin_return_address(0)); }
#define HALFSPACE_HOOKS(bytes)                               \
  HALFSPACE_HOOK(__tsan_read##bytes, Access::Read, bytes)    \
  HALFSPACE_HOOK(__tsan_write##bytes, Access::Write, bytes)  \
  HALFSPACE_HOOK(__tsan_unaligned_read##bytes, Access::Read, bytes) \
  HALFSPACE_HOOK(__tsan_unaligned_write##bytes, Access::Write, bytes)

extern "C" {

HALFSPACE_HOOKS(1)
HALFSPACE_HOOKS(2)
HALFSPACE_HOOKS(4)
HALFSPACE_HOOKS(8)
HALFSPACE_HOOKS(16)

void __tsan_read_range(void* address, uintptr_t bytes) {
  check(Access::Read, address, bytes, __builtin_return_address(0));
}
void __tsan_write_range(void* address, uintptr_t bytes) {
  check(Access::Write, address, bytes, __builtin_return_address(0));
}

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

// Atomics of host code: the guards of static variables and the counts of shared pointers.
uint8_t __tsan_atomic8_load(const volatile uint8_t* address, int) {
  return __atomic_load_n(address, __ATOMIC_SEQ_CST);
}
uint32_t __tsan_atomic32_load(const volatile uint32_t* address, int) {
  return __atomic_load_n(address, __ATOMIC_SEQ_CST);
}
uint32_t __tsan_atomic32_fetch_add(volatile uint32_t* address, uint32_t value, int) {
  return __atomic_fetch_add(address, value, __ATOMIC_SEQ_CST);
}
uint32_t __tsan_atomic32_fetch_sub(volatile uint32_t* address, uint32_t value, int) {
  return __atomic_fetch_sub(address, value, __ATOMIC_SEQ_CST);
}
int __tsan_atomic32_compare_exchange_weak(volatile uint32_t* address, uint32_t* expected,
                                          uint32_t value, int, int) {
  return __atomic_compare_exchange_n(address, expected, value, true, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST);
}
uint64_t __tsan_atomic64_load(const volatile uint64_t* address, int) {
  return __atomic_load_n(address, __ATOMIC_SEQ_CST);
}
uint64_t __tsan_atomic64_fetch_add(volatile uint64_t* address, uint64_t value, int) {
  return __atomic_fetch_add(address, value, __ATOMIC_SEQ_CST);
}

}  // extern "C"
