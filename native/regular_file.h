// Files that people name, none of which may keep the reader waiting for ever.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace halfspace {

struct FileBytes {
  std::unique_ptr<uint8_t[]> data;
  size_t size = 0;
};

// All of a file. Throws an Error with code Data and what the system says, or that it is no file but a folder,
// a pipe or a device, or that it has more bytes than `most`.
FileBytes read_regular_file(const std::string& path, size_t most);

}  // namespace halfspace
