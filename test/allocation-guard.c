// Preloaded by addon.test.ts: ends the process at a request for more than 1 GiB of heap, as Electron's
// allocator does at one of 2 GiB.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

static void guard(size_t bytes) {
  static const char message[] = "a heap request above 1 GiB\n";
  if (bytes <= (size_t)1 << 30) return;
  if (write(2, message, sizeof message - 1) < 0) _exit(4);
  _exit(3);
}

void* malloc(size_t bytes) {
  guard(bytes);
  return __libc_malloc(bytes);
}

void* calloc(size_t count, size_t bytes) {
  guard(bytes != 0 && count > SIZE_MAX / bytes ? SIZE_MAX : count * bytes);
  return __libc_calloc(count, bytes);
}

void* realloc(void* memory, size_t bytes) {
  guard(bytes);
  return __libc_realloc(memory, bytes);
}

void* memalign(size_t alignment, size_t bytes) {
  guard(bytes);
  return __libc_memalign(alignment, bytes);
}

void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void** result, size_t alignment, size_t bytes) {
  *result = memalign(alignment, bytes);
  return *result ? 0 : ENOMEM;
}
