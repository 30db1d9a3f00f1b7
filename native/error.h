// The one exception of the native code. An error says where, what was expected and what arrived;
// the addon turns it into a JavaScript error with the code, never into a crash.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace halfspace {

enum class ErrorCode {
  Data,         // a file that cannot be read
  Shape,        // shapes, types or attributes that do not fit a kernel
  OutOfMemory,  // the device cannot hold what the program needs
  Device,       // a library or the device itself failed
  Unsupported,  // a valid request that this build cannot fulfil
  Aborted,      // stopped between steps, as asked
  Internal,     // a program that the compiler should not have made
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// Throws Error(code) with the remaining arguments written one after another.
template <class... Parts>
[[noreturn]] void fail(ErrorCode code, const Parts&... parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw Error(code, message.str());
}

// Throws unless `condition` holds.
template <class... Parts>
void check(bool condition, ErrorCode code, const Parts&... parts) {
  if (!condition) fail(code, parts...);
}

}  // namespace halfspace
