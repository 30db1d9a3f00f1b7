#include "memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace halfspace {
namespace {

// Huge pages only pay from some size on.
constexpr size_t kHugeFrom = size_t{4} << 20;

}  // namespace

// One byte at least: an empty arena still has an address.
HostMemory::HostMemory(size_t bytes) : bytes_(std::max<size_t>(bytes, 1)) {
  data_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(data_ != MAP_FAILED, ErrorCode::OutOfMemory, "the system refused ", bytes_,
        " bytes of memory");
  if (bytes_ >= kHugeFrom) madvise(data_, bytes_, MADV_HUGEPAGE);
}

HostMemory::~HostMemory() { munmap(data_, bytes_); }

void HostMemory::read(size_t offset, void* to, size_t bytes) const {
  if (bytes > 0) std::memcpy(to, static_cast<const char*>(data_) + offset, bytes);
}

void HostMemory::write(size_t offset, const void* from, size_t bytes) {
  if (bytes > 0) std::memcpy(static_cast<char*>(data_) + offset, from, bytes);
}

}  // namespace halfspace
