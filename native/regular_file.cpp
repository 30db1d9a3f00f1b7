#include "regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>

#include "error.h"

namespace halfspace {
namespace {

// The most bytes that one call to the system is asked for.
constexpr size_t kAtOnce = size_t{1} << 30;

[[noreturn]] void refuse(std::string reason) {
  if (!reason.empty()) reason[0] = static_cast<char>(std::tolower(reason[0]));  // as Node has it
  fail(ErrorCode::Data, "cannot be read (", reason, ")");
}

// The value of a call that has failed where it is negative; it is made again where a signal came between.
template <class Call>
auto system_call(Call call) {
  for (;;) {
    const auto value = call();
    if (value >= 0) return value;
    if (errno != EINTR) refuse(std::generic_category().message(errno));
  }
}

class OpenFile {
 public:
  // Opening a pipe does not wait for its other end, so that it can be seen to be none of ours.
  explicit OpenFile(const std::string& path)
      : descriptor_(system_call([&] { return open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); })) {}
  ~OpenFile() { close(descriptor_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  size_t size() const {
    struct stat facts {};
    system_call([&] { return fstat(descriptor_, &facts); });
    if (!S_ISREG(facts.st_mode)) refuse("it is not a file");
    return static_cast<size_t>(facts.st_size);
  }

  // Zero at the end of the file.
  size_t read_some(uint8_t* to, size_t length) const {
    return static_cast<size_t>(
        system_call([&] { return read(descriptor_, to, std::min(length, kAtOnce)); }));
  }

 private:
  int descriptor_;
};

}  // namespace

FileBytes read_regular_file(const std::string& path, size_t most) {
  const OpenFile file(path);
  const size_t size = file.size();
  if (size > most) {
    refuse("its " + std::to_string(size) + " bytes are more than " + std::to_string(most));
  }
  FileBytes bytes{std::make_unique_for_overwrite<uint8_t[]>(size)};
  while (bytes.size < size) {
    const size_t count = file.read_some(bytes.data.get() + bytes.size, size - bytes.size);
    if (count == 0) break;
    bytes.size += count;
  }
  return bytes;
}

}  // namespace halfspace
