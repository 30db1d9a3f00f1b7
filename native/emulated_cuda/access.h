// The checks that every touch of device memory passes: by a thread of a kernel (touch), or by a copy or a
// call of a library (touch_range). Both work for the operation that runs at the moment.
#pragma once

#include <string>

#include "failure.h"
#include "shadow.h"

namespace halfspace::emulated {

enum class Access { Read, Write };

// The operation that runs: its place in the order, and the device whose memory it may touch.
struct Operation {
  OperationId id;
  const Clock* before;
  std::string name;
  int device;
};
extern const Operation* running;

// The thread of the grid that runs, numbered through all blocks; kNoThread outside of kernels.
extern uint32_t running_thread;

// Reports what is wrong with the access and ends the operation: leaves the kernel, or throws Failure.
[[noreturn]] void bad_access(Access access, const void* address, size_t bytes, const void* code);

// Whether the state and the order allow it; marks the words as touched.
bool touch(Access access, const void* address, size_t bytes);

// `what` names the operand in the message: "cudnnConvolutionForward: x".
void touch_range(Access access, const void* address, size_t bytes, const std::string& what);

// Copies what is known of the source's bytes: a copy of bytes that were never written is allowed between
// device addresses, and stays unwritten.
void copy_states(void* to, const void* from, size_t bytes, const std::string& what);

}  // namespace halfspace::emulated
