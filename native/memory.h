// Host memory straight from the operating system. Never malloc: Electron's allocator ends the
// process on one request above 2 GiB, and an arena may well be larger.
#pragma once

#include "device.h"

namespace halfspace {

// Zeroed, aligned to a page. Throws ErrorCode::OutOfMemory where the system refuses.
class HostMemory final : public Memory {
 public:
  explicit HostMemory(size_t bytes);
  ~HostMemory() override;
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  void* data() const override { return data_; }
  size_t bytes() const override { return bytes_; }

 private:
  void* data_;
  size_t bytes_;
};

}  // namespace halfspace
