// Memory as the program asks for it, and everything that moves or sets bytes.
#include <algorithm>
#include <cstring>
#include <list>
#include <memory>
#include <vector>

#include "access.h"
#include "capture.h"
#include "device.h"
#include "failure.h"
#include "memory.h"
#include "options.h"
#include "stream.h"

namespace halfspace::emulated {
namespace {

constexpr int kPoison = 0xff;

// Pinned memory that queued copies will read, which poison must spare.
struct PinnedRead {
  const std::byte* start;
  size_t bytes;
};
std::list<PinnedRead> pinned_reads;

bool awaits_read(const void* address, size_t bytes) {
  const auto* start = static_cast<const std::byte*>(address);
  return std::any_of(pinned_reads.begin(), pinned_reads.end(), [&](const PinnedRead& read) {
    return read.start < start + bytes && start < read.start + read.bytes;
  });
}

void require_device_range(const void* pointer, size_t bytes) {
  require(bytes == 0 || is_allocated(pointer, bytes));
}

void require_host(const void* pointer) { require(!shadow.covers(pointer)); }

cudaMemcpyKind actual_kind(const void* to, const void* from, cudaMemcpyKind kind) {
  if (kind != cudaMemcpyDefault) return kind;
  if (shadow.covers(to)) {
    return shadow.covers(from) ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice;
  }
  return shadow.covers(from) ? cudaMemcpyDeviceToHost : cudaMemcpyHostToHost;
}

// What a queued copy from the host holds: pageable memory is read when the copy is queued, pinned memory
// when it runs, and must not have changed.
struct Staged {
  std::vector<std::byte> bytes;
  std::list<PinnedRead>::iterator read;
};

void stage(Staged& staged, const void* from, size_t bytes, bool from_pinned) {
  const auto* start = static_cast<const std::byte*>(from);
  staged.bytes.assign(start, start + bytes);
  if (from_pinned) staged.read = pinned_reads.insert(pinned_reads.end(), {start, bytes});
}

void upload(const Staged& staged, void* to, const void* from, bool from_pinned) {
  size_t bytes = staged.bytes.size();
  if (from_pinned) {
    pinned_reads.erase(staged.read);
    if (std::memcmp(staged.bytes.data(), from, bytes) != 0) {
      report(cudaErrorLaunchFailure,
             text_of("cudaMemcpyAsync of ", bytes, " bytes to ", describe_address(to),
                     ": the host changed the pinned source before the copy ran"));
      return;
    }
  }
  touch_range(Access::Write, to, bytes, "cudaMemcpyAsync");
  std::memcpy(to, staged.bytes.data(), bytes);
}

Work upload_work(void* to, const void* from, size_t bytes) {
  bool from_pinned = is_pinned(from, bytes);
  // One buffer a queued copy: a graph queues the same work again and again.
  auto queue = std::make_shared<std::list<Staged>>();
  return {.name = "cudaMemcpyAsync",
          .run =
              [=] {
                const Staged staged = std::move(queue->front());
                queue->pop_front();
                upload(staged, to, from, from_pinned);
              },
          .queued = [=] { stage(queue->emplace_back(), from, bytes, from_pinned); }};
}

Work download_work(void* to, const void* from, size_t bytes) {
  return {.name = "cudaMemcpyAsync",
          .run =
              [=] {
                touch_range(Access::Read, from, bytes, "cudaMemcpyAsync");
                std::memcpy(to, from, bytes);
              },
          .queued =
              [=] {
                if (is_pinned(to, bytes) && !awaits_read(to, bytes)) {
                  std::memset(to, kPoison, bytes);
                }
              }};
}

Work device_work(void* to, const void* from, size_t bytes) {
  return {.name = "cudaMemcpyAsync", .run = [=] {
            copy_states(to, from, bytes, "cudaMemcpyAsync");
            std::memmove(to, from, bytes);
          }};
}

Work host_work(void* to, const void* from, size_t bytes) {
  return {.name = "cudaMemcpyAsync", .run = [=] { std::memmove(to, from, bytes); }};
}

Work copy_work(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  switch (actual_kind(to, from, kind)) {
    case cudaMemcpyHostToDevice:
      require_device_range(to, bytes);
      require_host(from);
      return upload_work(to, from, bytes);
    case cudaMemcpyDeviceToHost:
      require_device_range(from, bytes);
      require_host(to);
      return download_work(to, from, bytes);
    case cudaMemcpyDeviceToDevice:
      require_device_range(to, bytes);
      require_device_range(from, bytes);
      return device_work(to, from, bytes);
    default:
      require_host(to);
      require_host(from);
      return host_work(to, from, bytes);
  }
}

Work set_work(void* pointer, int value, size_t bytes) {
  require_device_range(pointer, bytes);
  return {.name = "cudaMemsetAsync", .run = [=] {
            touch_range(Access::Write, pointer, bytes, "cudaMemsetAsync");
            std::memset(pointer, value, bytes);
          }};
}

// A copy into pageable memory returns only when it is done.
bool returns_at_once(void* to, size_t bytes) { return shadow.covers(to) || is_pinned(to, bytes); }

void run_now(Work work) {
  refuse_unsafe_call();
  CUstream_st& stream = stream_of(nullptr);
  enqueue(stream, std::move(work));
  stream.synchronize();
}

}  // namespace
}  // namespace halfspace::emulated

using namespace halfspace::emulated;

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  return call([&] {
    require(pointer != nullptr);
    require_device(current_device());
    refuse_unsafe_call();
    *pointer = bytes == 0 ? nullptr : allocate(current_device(), bytes);
  });
}

// Like the real one it waits for all work first.
cudaError_t cudaFree(void* pointer) {
  return call([&] {
    require_device(current_device());
    refuse_unsafe_call();
    if (!pointer) return;
    drain_all();
    release(pointer);
  });
}

cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned int flags) {
  return call([&] {
    constexpr unsigned kKnown = cudaHostAllocPortable | cudaHostAllocWriteCombined;
    require(pointer != nullptr && (flags & ~kKnown) == 0);
    require_device(current_device());
    refuse_unsafe_call();
    *pointer = bytes == 0 ? nullptr : allocate_pinned(bytes);
  });
}

cudaError_t cudaMallocHost(void** pointer, size_t bytes) {
  return cudaHostAlloc(pointer, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void* pointer) {
  return call([&] {
    refuse_unsafe_call();
    if (!pointer) return;
    drain_all();
    release_pinned(pointer);
  });
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return call([&] {
    require(free != nullptr && total != nullptr);
    require_device(current_device());
    *total = options().memory_bytes;
    *free = options().memory_bytes - used_bytes(current_device());
  });
}

cudaError_t cudaMemsetAsync(void* pointer, int value, size_t bytes, cudaStream_t stream) {
  return call([&] { enqueue(stream_of(stream), set_work(pointer, value, bytes)); });
}

cudaError_t cudaMemset(void* pointer, int value, size_t bytes) {
  return call([&] {
    refuse_unsafe_call();
    enqueue(stream_of(nullptr), set_work(pointer, value, bytes));
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t handle) {
  return call([&] {
    CUstream_st& stream = stream_of(handle);
    enqueue(stream, copy_work(to, from, bytes, kind));
    if (!stream.capture && !returns_at_once(to, bytes)) stream.synchronize();
  });
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return call([&] { run_now(copy_work(to, from, bytes, kind)); });
}
