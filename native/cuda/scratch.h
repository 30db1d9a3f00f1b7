// Divides a kernel's scratch memory: pieces are reserved when it is made and found when it runs.
#pragma once

#include "../device.h"

namespace halfspace::cuda {

class Scratch {
 public:
  // The offset of a new piece.
  size_t reserve(size_t bytes) {
    size_t offset = bytes_;
    bytes_ += align_up(bytes);
    return offset;
  }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_ = 0;
};

inline void* piece(const Buffers& buffers, size_t offset) {
  return static_cast<char*>(buffers.scratch) + offset;
}

}  // namespace halfspace::cuda
