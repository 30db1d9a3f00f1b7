#include "block.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "access.h"
#include "chance.h"
#include "code_place.h"
#include "cuda_runtime.h"
#include "failure.h"
#include "fiber.h"
#include "indices.h"
#include "private_memory.h"

namespace halfspace::emulated {
namespace {

enum class State { Unstarted, Ready, AtBarrier, AtMeeting, Done };

struct Thread {
  State state = State::Unstarted;
  Fiber* fiber = nullptr;
  // Where it waits.
  Place place;
};

// Lanes of a warp on their way to one exchange or warp barrier.
struct Meeting {
  unsigned mask;
  unsigned arrived;
  Place place;
};

struct Warp {
  std::vector<Meeting> meetings;
  // What the lanes bring to the exchange under way, until all are there.
  std::byte brought[kWarpSize * kExchangeBytes];
  uint16_t epoch = 0;
};

constexpr size_t kNone = ~size_t{0};

struct Block {
  const std::function<void()>* body = nullptr;
  const void* kernel = nullptr;
  size_t size = 0;
  // Of the first thread, through the whole grid.
  uint32_t first_thread = 0;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::vector<size_t> ready;
  size_t resumed = 0;
  size_t started = 0;
  size_t at_barrier = 0;
  size_t done = 0;
  // The thread that runs, or kNone.
  size_t current = kNone;
  std::vector<uint3> indices;
  bool backwards = false;
  bool given_up = false;
  bool has_synced = false;
  bool has_fenced = false;
  uint32_t first_epoch = 1;
  uint32_t epoch = 1;
};

Block block;
// Of this thread of the host; others may run the host code of sources with kernels meanwhile.
thread_local bool in_kernel = false;

// Fibers are made once and used again; those of `idle` are between threads.
std::vector<std::unique_ptr<Fiber>> fibers;
std::vector<Fiber*> idle;

Fiber* take_fiber() {
  if (idle.empty()) {
    constexpr size_t kPage = 4096;
    fibers.push_back(
        std::make_unique<Fiber>(stack(fibers.size()) + kPage, kStackBytes - kPage));
    idle.push_back(fibers.back().get());
  }
  Fiber* fiber = idle.back();
  idle.pop_back();
  return fiber;
}

uint3 index_in(dim3 extent, size_t linear) {
  return {static_cast<unsigned>(linear % extent.x),
          static_cast<unsigned>(linear / extent.x % extent.y),
          static_cast<unsigned>(linear / extent.x / extent.y)};
}

void set_current(size_t thread) {
  block.current = thread;
  thread_index() = block.indices[thread];
  running.thread = block.first_thread + static_cast<uint32_t>(thread);
}

size_t next_unstarted() {
  size_t turn = block.started++;
  return block.backwards ? block.size - 1 - turn : turn;
}

// What a fiber does for ever: threads of the block from start to end, as long as there are some.
void run_threads() {
  while (true) {
    Fiber* self = block.threads[block.current].fiber;
    (*block.body)();
    block.threads[block.current].state = State::Done;
    ++block.done;
    if (block.started < block.size) {
      set_current(next_unstarted());
      block.threads[block.current].fiber = self;
    } else {
      idle.push_back(self);
      self->suspend();
    }
  }
}

void resume(size_t thread) {
  set_current(thread);
  block.threads[thread].state = State::Ready;
  block.threads[thread].fiber->resume(run_threads);
  block.current = kNone;
  running.thread = kNoThread;
}

void start(size_t thread) {
  block.threads[thread].fiber = take_fiber();
  resume(thread);
}

// Until the thread is called up again.
void wait_as(State state, Place place) {
  Thread& self = block.threads[block.current];
  self.state = state;
  self.place = place;
  self.fiber->suspend();
}

void call_up(size_t thread) {
  if (block.resumed == block.ready.size()) {
    block.ready.clear();
    block.resumed = 0;
  }
  block.ready.push_back(thread);
}

std::string spot(Place place) {
  std::string file = place.file_name();
  size_t slash = file.rfind('/');
  return text_of(slash == std::string::npos ? file : file.substr(slash + 1), ":", place.line());
}

std::string triple(uint3 index) {
  return text_of("(", index.x, ",", index.y, ",", index.z, ")");
}

std::string spot_of_current() {
  return text_of("block ", triple(block_index()), ", thread ", triple(thread_index()));
}

const char* waits_for(State state) {
  return state == State::AtBarrier ? "the block's barrier" : "its warp";
}

std::string describe_state(size_t thread) {
  const Thread& one = block.threads[thread];
  std::string name = text_of("thread ", triple(index_in(block_size(), thread)));
  if (one.state == State::Done) return name + " has ended";
  return text_of(name, " waits for ", waits_for(one.state), " at ", spot(one.place));
}

bool same_place(Place one, Place other) {
  return one.line() == other.line() && (one.file_name() == other.file_name() ||
                                        std::strcmp(one.file_name(), other.file_name()) == 0);
}

bool waits_alike(const Thread& one, const Thread& other) {
  return one.state == other.state && same_place(one.place, other.place);
}

// A thread that the waiting one waits for in vain: of its warp, or of the whole block.
size_t missing_thread(size_t waiting) {
  bool in_warp = block.threads[waiting].state == State::AtMeeting;
  size_t first = in_warp ? waiting / kWarpSize * kWarpSize : 0;
  size_t end = in_warp ? std::min(first + kWarpSize, block.size) : block.size;
  for (size_t thread = first; thread < end; ++thread) {
    if (!waits_alike(block.threads[thread], block.threads[waiting])) return thread;
  }
  return kNone;
}

// Names a thread that waits and one that is not where it should be.
void report_divergence() {
  size_t waiting = 0;
  while (block.threads[waiting].state == State::Done) ++waiting;
  size_t missing = missing_thread(waiting);
  report(cudaErrorLaunchFailure,
         text_of("divergent barrier, block ", triple(block_index()), ": ", describe_state(waiting),
                 ", but ",
                 missing == kNone ? "not all lanes of its mask exist" : describe_state(missing)));
}

void reset_block() {
  block.threads.assign(block.size, {});
  size_t warps = (block.size + kWarpSize - 1) / kWarpSize;
  if (block.warps.size() < warps) block.warps.resize(warps);
  for (Warp& warp : block.warps) warp.meetings.clear();
  block.ready.clear();
  block.resumed = 0;
  block.started = block.at_barrier = block.done = 0;
  block.has_synced = block.has_fenced = block.given_up = false;
  block.first_epoch = ++block.epoch;
  block.backwards = chance(2);
}

// Fibers of a launch that was given up hold half-run threads.
void abandon_fibers() {
  idle.clear();
  for (auto& fiber : fibers) {
    fiber->forget();
    idle.push_back(fiber.get());
  }
}

void run_block(size_t index, const Grid& grid) {
  block_index() = index_in(grid.blocks, index);
  block.first_thread = static_cast<uint32_t>(index * block.size);
  reset_block();
  while (!block.given_up && block.done < block.size) {
    if (block.resumed < block.ready.size()) {
      resume(block.ready[block.resumed++]);
    } else if (block.started < block.size) {
      start(next_unstarted());
    } else {
      report_divergence();
      block.given_up = true;
    }
  }
  if (block.given_up) abandon_fibers();
}

Warp& current_warp() { return block.warps[block.current / kWarpSize]; }

[[noreturn]] void fail_meeting(const Meeting& meeting, unsigned mask, Place place) {
  report(cudaErrorLaunchFailure,
         text_of("divergent warp: ", describe_thread(place), " with mask 0x", std::hex, mask,
                 " meets lanes at ", spot(meeting.place), " with mask 0x", meeting.mask));
  leave_kernel();
}

// The meeting of these lanes, new where the caller is the first.
Meeting& join_meeting(unsigned mask, Place place) {
  for (Meeting& meeting : current_warp().meetings) {
    if (meeting.mask == mask && same_place(meeting.place, place)) return meeting;
    if (meeting.mask & mask) fail_meeting(meeting, mask, place);
  }
  current_warp().meetings.push_back({mask, 0, place});
  return current_warp().meetings.back();
}

void publish(unsigned mask, Warp& warp, std::byte* values) {
  if (mask == ~0u) {
    std::memcpy(values, warp.brought, sizeof(warp.brought));
    return;
  }
  for (size_t lane = 0; lane < kWarpSize; ++lane) {
    if (!(mask >> lane & 1)) continue;
    std::memcpy(values + lane * kExchangeBytes, warp.brought + lane * kExchangeBytes,
                kExchangeBytes);
  }
}

// Ends the meeting that is complete: publishes what was brought and calls up those who wait.
void close_meeting(Meeting& meeting) {
  Warp& warp = current_warp();
  size_t first = block.current / kWarpSize * kWarpSize;
  unsigned mask = meeting.mask;
  publish(mask, warp, exchanged(block.current / kWarpSize));
  std::erase_if(warp.meetings, [&](const Meeting& one) { return one.mask == mask; });
  for (size_t lane = 0; lane < kWarpSize; ++lane) {
    if (mask >> lane & 1 && first + lane != block.current) call_up(first + lane);
  }
}

// Returns whether the caller was the last to come.
bool meet(unsigned mask, Place place) {
  unsigned own = 1u << lane();
  if (!(mask & own)) {
    report(cudaErrorLaunchFailure,
           text_of("divergent warp: ", describe_thread(place), " is not in its own mask"));
    leave_kernel();
  }
  Meeting& meeting = join_meeting(mask, place);
  meeting.arrived |= own;
  bool complete = meeting.arrived == mask;
  if (complete) {
    close_meeting(meeting);
  } else {
    wait_as(State::AtMeeting, place);
  }
  return complete;
}

}  // namespace

void run_grid(const Grid& grid, const std::function<void()>& thread) {
  reserve_private_memory();
  block.body = &thread;
  block.kernel = grid.kernel;
  block.size = size_t{grid.threads.x} * grid.threads.y * grid.threads.z;
  block.indices.resize(block.size);
  for (size_t i = 0; i < block.size; ++i) block.indices[i] = index_in(grid.threads, i);
  block_size() = grid.threads;
  grid_size() = grid.blocks;
  size_t blocks = size_t{grid.blocks.x} * grid.blocks.y * grid.blocks.z;
  bool backwards = chance(2);
  running.memory = shadow.arena + running.device * kDeviceRange;
  in_kernel = true;
  for (size_t turn = 0; turn < blocks && finding_code() == cudaSuccess; ++turn) {
    run_block(backwards ? blocks - 1 - turn : turn, grid);
  }
  in_kernel = false;
}

bool is_in_kernel() { return in_kernel; }

void leave_kernel() {
  if (!is_in_kernel()) throw Failure{finding_code()};
  block.given_up = true;
  block.threads[block.current].fiber->suspend();
  __builtin_unreachable();
}

bool same_block(uint32_t thread) {
  return thread >= block.first_thread && thread - block.first_thread < block.size;
}

bool threads_are_ordered(uint32_t other) {
  return block.has_fenced || (block.has_synced && same_block(other));
}

uint32_t block_epoch() { return block.epoch; }
uint32_t first_epoch_of_block() { return block.first_epoch; }
uint16_t warp_epoch() { return current_warp().epoch; }
uint32_t thread_in_block() { return static_cast<uint32_t>(block.current); }

std::string describe_thread(const void* code) {
  return text_of(describe_code(code), ", ", spot_of_current());
}
std::string describe_thread(Place place) { return text_of(spot(place), ", ", spot_of_current()); }

void barrier(Place place) {
  block.has_synced = true;
  if (++block.at_barrier < block.size) {
    wait_as(State::AtBarrier, place);
    return;
  }
  block.at_barrier = 0;
  ++block.epoch;
  for (size_t thread = 0; thread < block.size; ++thread) {
    if (thread == block.current) continue;
    if (!same_place(block.threads[thread].place, place)) {
      block.threads[block.current].state = State::AtBarrier;
      block.threads[block.current].place = place;
      report_divergence();
      leave_kernel();
    }
    call_up(thread);
  }
}

const std::byte* exchange(unsigned mask, const void* value, size_t bytes, Place place) {
  std::memcpy(current_warp().brought + lane() * kExchangeBytes, value, bytes);
  meet(mask, place);
  return exchanged(block.current / kWarpSize);
}

void warp_barrier(unsigned mask, Place place) {
  block.has_synced = true;
  if (meet(mask, place)) ++current_warp().epoch;
}

void fence() { block.has_fenced = true; }

void trap(Place place) {
  report(cudaErrorLaunchFailure, text_of("trap: ", describe_thread(place)));
  leave_kernel();
}

unsigned lane() { return static_cast<unsigned>(block.current % kWarpSize); }

void expect_lane(unsigned mask, unsigned source, Place place) {
  if (source < kWarpSize && mask >> source & 1) return;
  report(cudaErrorLaunchFailure, text_of("shuffle from lane ", source, ", which is not in the mask: ",
                                         describe_thread(place)));
  leave_kernel();
}

void atomic_load(const void* address, void* value, size_t bytes, Place place) {
  if (shadow.covers(address) && !is_written(address, bytes)) {
    report(cudaErrorIllegalAddress,
           text_of(describe_thread(place), " changes ", bytes,
                   " bytes atomically that were never written or are out of bounds"));
    leave_kernel();
  }
  std::memcpy(value, address, bytes);
}

void atomic_store(void* address, const void* value, size_t bytes) {
  std::memcpy(address, value, bytes);
}

}  // namespace halfspace::emulated
