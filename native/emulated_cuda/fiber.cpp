// makecontext makes the first switch onto a stack; all later ones are _setjmp and _longjmp, which unlike
// swapcontext leave the signal mask alone. The fortified longjmp takes a switch between stacks for an
// error.
#undef _FORTIFY_SOURCE

#include "fiber.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace halfspace::emulated {
namespace {

#ifdef __SANITIZE_ADDRESS__
void start_switch(void** frames, const void* stack, size_t bytes) {
  __sanitizer_start_switch_fiber(frames, stack, bytes);
}
void finish_switch(void* frames, const void** stack, size_t* bytes) {
  __sanitizer_finish_switch_fiber(frames, stack, bytes);
}
void clean(std::byte* stack, size_t bytes) { __asan_unpoison_memory_region(stack, bytes); }
#else
void start_switch(void**, const void*, size_t) {}
void finish_switch(void*, const void**, size_t*) {}
void clean(std::byte*, size_t) {}
#endif

// The fiber whose first switch is under way.
Fiber* starting = nullptr;

}  // namespace

void Fiber::trampoline() {
  Fiber& self = *starting;
  finish_switch(nullptr, &self.caller_stack_, &self.caller_bytes_);
  self.entry_();
}

void Fiber::begin(void (*entry)()) {
  clean(stack_, bytes_);
  started_ = true;
  entry_ = entry;
  getcontext(&first_);
  first_.uc_stack.ss_sp = stack_;
  first_.uc_stack.ss_size = bytes_;
  first_.uc_link = nullptr;
  makecontext(&first_, trampoline, 0);
  starting = this;
  swapcontext(&origin_, &first_);
}

void Fiber::resume(void (*entry)()) {
  if (_setjmp(back_) == 0) {
    start_switch(&caller_frames_, stack_, bytes_);
    if (started_) _longjmp(here_, 1);
    begin(entry);
  }
  finish_switch(caller_frames_, nullptr, nullptr);
}

void Fiber::suspend() {
  if (_setjmp(here_) == 0) {
    start_switch(&fiber_frames_, caller_stack_, caller_bytes_);
    _longjmp(back_, 1);
  }
  finish_switch(fiber_frames_, &caller_stack_, &caller_bytes_);
}

}  // namespace halfspace::emulated
