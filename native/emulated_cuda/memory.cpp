#include "memory.h"

#include <execinfo.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <map>

#include "failure.h"
#include "options.h"
#include "shadow.h"

namespace halfspace::emulated {

Shadow shadow;

namespace {

// A NaN in every floating-point format, and an index that is out of every bounds.
constexpr int kPoison = 0xff;
constexpr size_t kPage = 4096;
constexpr size_t kPinnedAlignment = 256;

constexpr size_t whole_pages(size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

struct Allocation {
  size_t number;
  size_t bytes;
  bool freed;
};

// Keyed by offset in the arena. Freed ones stay, for messages.
std::map<size_t, Allocation> allocations;
std::map<const std::byte*, size_t> pinned;
size_t pinned_total = 0;
// How far each device has given out its range, from where on anything of that lives, and how much.
std::array<size_t, kMaxDevices> tops{};
std::array<size_t, kMaxDevices> bottoms{};
std::array<size_t, kMaxDevices> used{};
int open_windows = 0;

template <class T>
T* reserve(size_t bytes, int protection) {
  void* range = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) throw Failure{cudaErrorMemoryAllocation};
  return static_cast<T*>(range);
}

struct sigaction previous_handler;

// Only calls that are allowed in a signal handler.
void on_bad_access(int signal, siginfo_t* info, void* context) {
  if (!shadow.covers(info->si_addr)) {
    if (previous_handler.sa_flags & SA_SIGINFO) {
      previous_handler.sa_sigaction(signal, info, context);
    } else {
      sigaction(SIGSEGV, &previous_handler, nullptr);
    }
    return;
  }
  constexpr char kText[] = "emulated CUDA: host code touches device memory; backtrace:\n";
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, kText, sizeof(kText) - 1);
  void* frames[32];
  backtrace_symbols_fd(frames, backtrace(frames, 32), STDERR_FILENO);
  _exit(1);
}

void watch_bad_accesses() {
  void* frame;
  backtrace(&frame, 1);  // loads what it needs, which a signal handler must not
  struct sigaction action = {};
  action.sa_sigaction = on_bad_access;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, &previous_handler);
}

void reserve_shadow() {
  if (shadow.arena != kNowhere) return;
  constexpr int kUsable = PROT_READ | PROT_WRITE;
  shadow.states = reserve<ByteState>(kArenaRange, kUsable);
  shadow.writers = reserve<Stamp>(kArenaRange / kWord * sizeof(Stamp), kUsable);
  shadow.readers = reserve<Stamp>(kArenaRange / kWord * sizeof(Stamp), kUsable);
  shadow.arena = reserve<std::byte>(kArenaRange, PROT_NONE);
  watch_bad_accesses();
}

// All that lives of a device, and what was freed between, at once: the kernel joins it to one mapping.
void protect(int protection) {
  for (int device = 0; device < kMaxDevices; ++device) {
    size_t bytes = tops[device] - bottoms[device];
    if (bytes == 0) continue;
    mprotect(shadow.arena + device * kDeviceRange + bottoms[device], bytes, protection);
  }
}

// What lies below the oldest living allocation is left alone from now on.
void raise_bottom(int device) {
  const size_t start = device * kDeviceRange;
  size_t bottom = tops[device];
  for (auto each = allocations.lower_bound(start + bottoms[device]);
       each != allocations.end() && each->first < start + tops[device]; ++each) {
    if (each->second.freed) continue;
    bottom = each->first - start;
    break;
  }
  mprotect(shadow.arena + start + bottoms[device], bottom - bottoms[device], PROT_NONE);
  bottoms[device] = bottom;
}

// The allocation that begins at or before the offset.
const std::pair<const size_t, Allocation>* allocation_before(size_t offset) {
  auto after = allocations.upper_bound(offset);
  return after == allocations.begin() ? nullptr : &*std::prev(after);
}

}  // namespace

void* allocate(int device, size_t bytes) {
  reserve_shadow();
  size_t needed = whole_pages(bytes) + kPage;
  if (used[device] + bytes > options().memory_bytes || tops[device] + needed > kDeviceRange) {
    throw Failure{cudaErrorMemoryAllocation};
  }
  size_t offset = device * kDeviceRange + tops[device];
  {
    const Window window;
    mprotect(shadow.arena + offset, needed, PROT_READ | PROT_WRITE);
    std::memset(shadow.arena + offset, kPoison, bytes);
    tops[device] += needed;
  }
  std::memset(shadow.states + offset, static_cast<int>(ByteState::Unwritten), bytes);
  used[device] += bytes;
  allocations[offset] = {allocations.size() + 1, bytes, false};
  return shadow.arena + offset;
}

void release(void* pointer) {
  auto found = shadow.covers(pointer) ? allocations.find(shadow.offset(pointer)) : allocations.end();
  require(found != allocations.end() && !found->second.freed);
  auto& [offset, allocation] = *found;
  size_t pages = whole_pages(allocation.bytes);
  madvise(shadow.arena + offset, pages, MADV_DONTNEED);
  madvise(shadow.states + offset, pages, MADV_DONTNEED);
  madvise(shadow.writers + offset / kWord, pages / kWord * sizeof(Stamp), MADV_DONTNEED);
  madvise(shadow.readers + offset / kWord, pages / kWord * sizeof(Stamp), MADV_DONTNEED);
  allocation.freed = true;
  const int device = device_of(pointer);
  used[device] -= allocation.bytes;
  raise_bottom(device);
}

void* allocate_pinned(size_t bytes) {
  size_t rounded = (bytes + kPinnedAlignment - 1) / kPinnedAlignment * kPinnedAlignment;
  const bool fits = pinned_total + bytes <= options().pinned_bytes;
  void* pointer = fits ? std::aligned_alloc(kPinnedAlignment, rounded) : nullptr;
  if (!pointer) throw Failure{cudaErrorMemoryAllocation};
  std::memset(pointer, kPoison, bytes);
  pinned[static_cast<std::byte*>(pointer)] = bytes;
  pinned_total += bytes;
  return pointer;
}

void release_pinned(void* pointer) {
  auto found = pinned.find(static_cast<std::byte*>(pointer));
  require(found != pinned.end());
  pinned_total -= found->second;
  pinned.erase(found);
  std::free(pointer);
}

void release_all() {
  for (const auto& [offset, allocation] : allocations) {
    if (!allocation.freed) release(shadow.arena + offset);
  }
  while (!pinned.empty()) release_pinned(const_cast<std::byte*>(pinned.begin()->first));
}

size_t used_bytes(int device) { return used[device]; }

bool is_allocated(const void* pointer, size_t bytes) {
  if (!shadow.covers(pointer)) return false;
  size_t offset = shadow.offset(pointer);
  const auto* found = allocation_before(offset);
  return found && !found->second.freed && offset + bytes <= found->first + found->second.bytes;
}

bool is_pinned(const void* pointer, size_t bytes) {
  const auto* address = static_cast<const std::byte*>(pointer);
  auto after = pinned.upper_bound(address);
  if (after == pinned.begin()) return false;
  auto [start, length] = *std::prev(after);
  return address + bytes <= start + length;
}

int device_of(const void* pointer) {
  return static_cast<int>(shadow.offset(pointer) / kDeviceRange);
}

std::string describe_address(const void* pointer) {
  if (is_pinned(pointer, 1)) return "pinned host memory";
  if (!shadow.covers(pointer)) return "host memory";
  size_t offset = shadow.offset(pointer);
  const auto* found = allocation_before(offset);
  if (!found || offset / kDeviceRange != found->first / kDeviceRange) return "no allocation";
  const auto& [start, allocation] = *found;
  return text_of("byte ", offset - start, " of allocation ", allocation.number, " (",
                 allocation.bytes, " bytes, cuda:", device_of(pointer),
                 allocation.freed ? ", freed)" : ")");
}

Window::Window() {
  if (open_windows++ == 0) protect(PROT_READ | PROT_WRITE);
}

Window::~Window() {
  if (--open_windows == 0) protect(PROT_NONE);
}

}  // namespace halfspace::emulated
