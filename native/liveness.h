// Packs buffers into one block of memory: two buffers may overlap when no step needs both.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

namespace halfspace {

class Liveness {
 public:
  explicit Liveness(size_t alignment) : alignment_(alignment) {}

  // Buffer `id` of `bytes` is in use at `time`, and so at all times between its first and last.
  void touch(size_t id, size_t bytes, size_t time);

  // Offsets of all buffers: the largest first, each at the lowest offset where it fits.
  std::unordered_map<size_t, size_t> place();

  // Size of the block, known after `place`.
  size_t total_bytes() const { return total_; }

 private:
  struct Buffer {
    size_t bytes;
    size_t first;
    size_t last;
    size_t offset;
  };

  // Buffers that have their offset, in its order.
  class Placed;

  size_t alignment_;
  size_t total_ = 0;
  std::unordered_map<size_t, Buffer> buffers_;
};

}  // namespace halfspace
