// Memory on both sides, each piece with an owner. Nothing is allocated while a program runs.
#pragma once

#include <memory>
#include <vector>

#include "context.h"

namespace halfspace::cuda {

// Says that the device has not so much left, and how much it has.
[[noreturn]] void out_of_memory(size_t bytes);

// Of the device that is selected; its owner gives it back by cudaFree.
void* allocate_on_device(size_t bytes);

// Copies travel on the context's copy stream, which no capture and no other session knows of.
class DeviceMemory final : public Memory {
 public:
  DeviceMemory(std::shared_ptr<const Context> context, size_t bytes, Contents contents);
  ~DeviceMemory() override;
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  void* data() const override { return data_; }
  size_t bytes() const override { return bytes_; }
  void read(size_t offset, void* to, size_t bytes) const override;
  void write(size_t offset, const void* from, size_t bytes) override;

 private:
  void copy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) const;

  std::shared_ptr<const Context> context_;
  void* data_ = nullptr;
  size_t bytes_;
};

// Memory of the host that the device reads and writes by itself, under the same address.
class PinnedMemory {
 public:
  PinnedMemory(const Context& context, size_t bytes);
  ~PinnedMemory();
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  char* data() const { return static_cast<char*>(data_); }

 private:
  void* data_ = nullptr;
};

// Numbers that a kernel looks up: written when it is made, only read after that.
template <class T>
class DeviceTable {
 public:
  explicit DeviceTable(const std::vector<T>& values)
      : memory_(Context::current().shared_from_this(), values.size() * sizeof(T),
                Contents::Arbitrary) {
    memory_.write(0, values.data(), values.size() * sizeof(T));
  }

  const T* data() const { return static_cast<const T*>(memory_.data()); }

 private:
  DeviceMemory memory_;
};

}  // namespace halfspace::cuda
