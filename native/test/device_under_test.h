// The device that kernel tests run on, and memory of it. HALFSPACE_TEST_DEVICE names it, `cpu`
// where it is not set, so that one set of test bodies holds for every device. On the CPU every test
// program is built once for each width of a block, whichever suits the machine. HALFSPACE_TEST_THREADS sets the
// threads, two where it is not set.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "cpu/registry.h"
#include "device.h"

namespace halfspace::test {

inline std::string device_name() {
  const char* name = std::getenv("HALFSPACE_TEST_DEVICE");
  return name ? name : "cpu";
}

inline bool on_cpu() { return device_name() == "cpu"; }

inline int thread_count() {
  const char* count = std::getenv("HALFSPACE_TEST_THREADS");
  return count ? std::atoi(count) : 2;
}

// Opened at the first call, with all 24 bits of every product, and never closed.
inline const Device& device() {
  static const Device& opened = [&]() -> const Device& {
    auto device = open_device(device_name(), {.precision = Precision::Fp32});
    device->enter_thread(thread_count());
    return *device.release();
  }();
  return opened;
}

inline const KernelEntry* find_kernel(const std::string& name) {
  return on_cpu() ? cpu::find_kernel(name, HALFSPACE_BLOCK) : device().find(name);
}

// Channels in a block of an image with so many.
inline int64_t channel_block(int64_t channels) {
  return on_cpu() ? HALFSPACE_BLOCK : device().channel_block(channels);
}

// Memory that a kernel may see, of exactly the promised size, `shift` bytes after an aligned
// address: on the CPU from the heap, where the sanitizer sees its end.
class Buffer {
 public:
  explicit Buffer(size_t bytes, size_t shift = 0) : bytes_(bytes), shift_(shift) {
    if (on_cpu()) {
      host_.reset(std::aligned_alloc(kAlignment, align_up(shift + bytes + 1)));
    } else {
      memory_ = device().allocate(std::max<size_t>(shift + bytes, 1), Contents::Arbitrary);
    }
  }

  void* data() const {
    return static_cast<char*>(memory_ ? memory_->data() : host_.get()) + shift_;
  }
  void write(const std::vector<char>& contents) {
    if (memory_) {
      memory_->write(shift_, contents.data(), bytes_);
    } else {
      std::copy_n(contents.data(), bytes_, static_cast<char*>(data()));
    }
  }
  std::vector<char> read() const {
    std::vector<char> contents(bytes_);
    if (memory_) {
      memory_->read(shift_, contents.data(), bytes_);
    } else {
      std::copy_n(static_cast<const char*>(data()), bytes_, contents.data());
    }
    return contents;
  }
  // NaN everywhere.
  void poison() { write(std::vector<char>(bytes_, '\xFF')); }

 private:
  struct Free {
    void operator()(void* data) const { std::free(data); }
  };

  size_t bytes_, shift_;
  std::unique_ptr<void, Free> host_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace halfspace::test
