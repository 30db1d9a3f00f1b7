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
  void read(size_t offset, void* to, size_t bytes) const override;
  void write(size_t offset, const void* from, size_t bytes) override;

 private:
  void* data_;
  size_t bytes_;
};

// Inputs and outputs where the device computes in the host's memory.
class HostInOut final : public InOut {
 public:
  explicit HostInOut(size_t bytes) : memory_(bytes) {}

  char* host() const override { return static_cast<char*>(memory_.data()); }
  char* device() const override { return host(); }
  void send(size_t, size_t) override {}
  void run(const std::function<void()>& steps) override { steps(); }

 private:
  HostMemory memory_;
};

}  // namespace halfspace
