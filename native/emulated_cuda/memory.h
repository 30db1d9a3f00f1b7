// Device memory and pinned host memory. Device addresses are never given out twice, so that freed memory
// stays recognisable; between two allocations lies at least one page of no one. Outside of a Window
// device memory has no access rights, so that host code which touches it ends with a message.
#pragma once

#include <cstddef>
#include <string>

namespace halfspace::emulated {

// Throw cudaErrorMemoryAllocation and cudaErrorInvalidValue as a Failure.
void* allocate(int device, size_t bytes);
void release(void* pointer);
void* allocate_pinned(size_t bytes);
void release_pinned(void* pointer);

// Everything that was not.
void release_all();

size_t used_bytes(int device);
// Whether the range lies in one living allocation.
bool is_allocated(const void* pointer, size_t bytes);
bool is_pinned(const void* pointer, size_t bytes);
int device_of(const void* pointer);
// `byte 512 of allocation 3 (256 bytes, cuda:0)`, `pinned host memory`, `host memory`.
std::string describe_address(const void* pointer);

// Device memory can be touched while one exists.
class Window {
 public:
  Window();
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
};

}  // namespace halfspace::emulated
