// A stack of its own to run on, switched to and from without a call of the system.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <cstddef>

namespace halfspace::emulated {

class Fiber {
 public:
  // `stack` outlives the fiber.
  Fiber(std::byte* stack, size_t bytes) : stack_(stack), bytes_(bytes) {}
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs this fiber until it suspends: a fresh one from the start of `entry`, which never returns.
  void resume(void (*entry)());
  // Back to where this fiber was resumed. Called on the fiber.
  void suspend();
  // The next resume starts afresh; what the stack holds is abandoned.
  void forget() { started_ = false; }

 private:
  void begin(void (*entry)());
  static void trampoline();

  std::byte* stack_;
  size_t bytes_;
  bool started_ = false;
  void (*entry_)() = nullptr;
  ucontext_t first_;
  ucontext_t origin_;
  jmp_buf here_;
  jmp_buf back_;
  // What the address sanitizer keeps of each side while the other runs.
  void* fiber_frames_ = nullptr;
  void* caller_frames_ = nullptr;
  const void* caller_stack_ = nullptr;
  size_t caller_bytes_ = 0;
};

}  // namespace halfspace::emulated
