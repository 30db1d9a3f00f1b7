// Streams as queues of work that runs when somebody waits for it, and the marks in them that events and
// waits refer to.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "clock.h"
#include "cuda_runtime_api.h"

namespace halfspace::emulated {

// A copy, a launch, a call of a library.
struct Work {
  std::string name;
  std::function<void()> run;
  // Where it acts on the host at the moment it is queued.
  std::function<void()> queued = {};
};

// A point in a stream, which it keeps alive until it is reached.
struct Mark {
  std::shared_ptr<CUstream_st> stream;
  bool reached = false;
  Clock clock = {};
  std::chrono::steady_clock::time_point when = {};
};
using MarkPointer = std::shared_ptr<Mark>;

// What a queue holds: work, a mark to reach or a mark to wait for; one of the three.
struct Item {
  Work work = {};
  MarkPointer reach = {};
  MarkPointer wait = {};
  // What the host knew to be over when it queued this.
  Clock host = {};
};

class Capture;

}  // namespace halfspace::emulated

// The stream itself; cudaStream_t points to it.
struct CUstream_st : std::enable_shared_from_this<CUstream_st> {
  CUstream_st(int device, bool blocking);
  ~CUstream_st();
  CUstream_st(const CUstream_st&) = delete;
  CUstream_st& operator=(const CUstream_st&) = delete;

  void push(halfspace::emulated::Item item);
  halfspace::emulated::MarkPointer mark_end();
  void wait_for(halfspace::emulated::MarkPointer mark);
  bool is_idle() const { return queue_.empty(); }
  uint32_t id() const { return id_; }
  // Runs the next item, and whatever of other streams it waits for.
  void run_next();
  void drain();
  // Drops all that is queued.
  void forget();
  // The host waits: it knows now what this stream knew.
  void synchronize();

  const int device;
  // Whether it and the default stream wait for each other.
  const bool blocking;
  // Where captured items go while it captures.
  std::shared_ptr<halfspace::emulated::Capture> capture;
  size_t branch = 0;

 private:
  void run(const halfspace::emulated::Work& work);

  uint32_t id_;
  halfspace::emulated::Clock clock_;
  std::deque<halfspace::emulated::Item> queue_;
};

namespace halfspace::emulated {

// Of the handle; the calling thread's default stream for null. Throws cudaErrorInvalidResourceHandle.
CUstream_st& stream_of(cudaStream_t handle);

// Queues work, or captures it where the stream captures.
void enqueue(CUstream_st& stream, Work work);
// Queues the work of a graph.
void submit(CUstream_st& stream, Work work);
// As the journal names it.
std::string name_of(const CUstream_st& stream);

void run_until(const MarkPointer& mark);
// Runs a little more than somebody waits for, as the seed says.
void run_ahead();
void drain_all();
void join_host(const Clock& clock);
// Forget all streams and their work, events, graphs.
void reset_streams();
void reset_events();
void reset_graphs();

}  // namespace halfspace::emulated
