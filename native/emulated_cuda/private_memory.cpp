#include "private_memory.h"

#include <sys/mman.h>

#include "failure.h"

namespace halfspace::emulated {

std::byte* private_memory = nullptr;

void reserve_private_memory() {
  if (private_memory) return;
  void* range = mmap(nullptr, kPrivateRange, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) throw Failure{cudaErrorMemoryAllocation};
  private_memory = static_cast<std::byte*>(range);
  // A page without rights below every stack, where one that overflows ends.
  constexpr size_t kPage = 4096;
  for (size_t index = 0; index < kMaxThreads; ++index) mprotect(stack(index), kPage, PROT_NONE);
}

}  // namespace halfspace::emulated
