#include "stream.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include "access.h"
#include "capture.h"
#include "chance.h"
#include "device.h"
#include "failure.h"
#include "journal.h"
#include "memory.h"
#include "shadow.h"

namespace halfspace::emulated {
namespace {

// All streams that exist, with the branches of running graphs, by the number in operation ids.
std::array<CUstream_st*, kStreams> numbered{};
// Those the program holds a handle of.
std::set<std::shared_ptr<CUstream_st>> held;
std::array<std::shared_ptr<CUstream_st>, kMaxDevices> defaults;
// What the host knows to be over. Host threads are taken for one.
Clock host_clock;
uint32_t operations = 0;

uint32_t take_number(CUstream_st* stream) {
  auto unused = std::find(numbered.begin(), numbered.end(), nullptr);
  require(unused != numbered.end(), cudaErrorUnknown);
  *unused = stream;
  return static_cast<uint32_t>(unused - numbered.begin());
}

CUstream_st& default_stream(int device) {
  if (!defaults[device]) defaults[device] = std::make_shared<CUstream_st>(device, false);
  return *defaults[device];
}

bool is_default(const CUstream_st& stream) { return defaults[stream.device].get() == &stream; }

// The default stream and all blocking streams of a device take turns.
void wait_for_legacy_turn(CUstream_st& stream) {
  if (is_default(stream)) {
    for (const auto& other : held) {
      if (other->device != stream.device || !other->blocking) continue;
      require(!other->capture, cudaErrorStreamCaptureImplicit);
      if (!other->is_idle()) stream.wait_for(other->mark_end());
    }
  } else if (stream.blocking && defaults[stream.device] && !defaults[stream.device]->is_idle()) {
    stream.wait_for(defaults[stream.device]->mark_end());
  }
}

std::vector<std::shared_ptr<CUstream_st>> all_streams() {
  std::vector<std::shared_ptr<CUstream_st>> all;
  for (CUstream_st* stream : numbered) {
    if (stream) all.push_back(stream->shared_from_this());
  }
  return all;
}

std::shared_ptr<CUstream_st> held_stream(cudaStream_t handle) {
  for (const auto& stream : held) {
    if (stream.get() == handle) return stream;
  }
  throw Failure{cudaErrorInvalidResourceHandle};
}

void create(cudaStream_t* handle, bool blocking) {
  require(handle != nullptr);
  require_device(current_device());
  auto stream = std::make_shared<CUstream_st>(current_device(), blocking);
  held.insert(stream);
  *handle = stream.get();
}

}  // namespace

CUstream_st& stream_of(cudaStream_t handle) {
  if (handle) return *held_stream(handle);
  require_device(current_device());
  return default_stream(current_device());
}

void enqueue(CUstream_st& stream, Work work) {
  note({stream.capture ? "capture" : "queue", name_of(stream), work.name});
  if (stream.capture) {
    stream.capture->add(stream.branch, std::move(work));
  } else {
    submit(stream, std::move(work));
  }
}

void submit(CUstream_st& stream, Work work) {
  wait_for_legacy_turn(stream);
  if (work.queued) work.queued();
  stream.push({.work = std::move(work)});
}

std::string name_of(const CUstream_st& stream) {
  return is_default(stream) ? "default" : std::to_string(stream.id());
}

void run_until(const MarkPointer& mark) {
  while (!mark->reached) std::shared_ptr(mark->stream)->run_next();
}

void run_ahead() {
  for (const auto& stream : all_streams()) {
    while (!stream->is_idle() && chance(4)) stream->run_next();
  }
}

void drain_all() {
  const auto streams = all_streams();
  for (const auto& stream : streams) refuse_while_capturing(*stream);
  for (const auto& stream : streams) stream->synchronize();
}

void join_host(const Clock& clock) { host_clock.join(clock); }

void reset_streams() {
  for (const auto& stream : all_streams()) stream->forget();
  held.clear();
  defaults = {};
}

}  // namespace halfspace::emulated

using namespace halfspace::emulated;

CUstream_st::CUstream_st(int device, bool blocking)
    : device(device), blocking(blocking), id_(take_number(this)) {}

CUstream_st::~CUstream_st() { numbered[id_] = nullptr; }

void CUstream_st::push(Item item) {
  item.host = host_clock;
  queue_.push_back(std::move(item));
}

MarkPointer CUstream_st::mark_end() {
  auto mark = std::make_shared<Mark>();
  mark->stream = shared_from_this();
  push({.reach = mark});
  return mark;
}

void CUstream_st::wait_for(MarkPointer mark) { push({.wait = std::move(mark)}); }

void CUstream_st::forget() {
  queue_.clear();
  capture = nullptr;
}

void CUstream_st::run_next() {
  // A branch of a graph ends with the mark that the others wait for.
  const auto alive = shared_from_this();
  Item item = std::move(queue_.front());
  queue_.pop_front();
  clock_.join(item.host);
  if (item.wait) {
    run_until(item.wait);
    clock_.join(item.wait->clock);
  } else if (item.reach) {
    *item.reach = {.stream = nullptr,
                   .reached = true,
                   .clock = clock_,
                   .when = std::chrono::steady_clock::now()};
  } else {
    run(item.work);
  }
}

// After a finding nothing runs any more.
void CUstream_st::run(const Work& work) {
  if (finding_code() != cudaSuccess) return;
  ++operations;
  running = {.operation = operation_id(operations, id_), .before = &clock_, .device = device};
  try {
    work.run();
  } catch (const Failure&) {
    // It was reported.
  }
  running = {};
  clock_.last[id_] = operations;
}

void CUstream_st::drain() {
  const Window window;
  while (!queue_.empty()) run_next();
}

void CUstream_st::synchronize() {
  drain();
  join_host(clock_);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags) {
  return call([&] {
    require(flags == cudaStreamDefault || flags == cudaStreamNonBlocking);
    create(stream, flags == cudaStreamDefault);
  });
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  return call([&] {
    auto stream = held_stream(handle);
    stream->drain();
    held.erase(stream);
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return call([&] {
    CUstream_st& stream = stream_of(handle);
    refuse_while_capturing(stream);
    const Window window;
    run_ahead();
    stream.synchronize();
  });
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return call([&] {
    CUstream_st& stream = stream_of(handle);
    refuse_while_capturing(stream);
    const Window window;
    if (!stream.is_idle()) stream.run_next();
    require(stream.is_idle(), cudaErrorNotReady);
    stream.synchronize();
  });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t function, void* data) {
  return call([&] {
    require(function != nullptr);
    enqueue(stream_of(handle), {.name = "cudaLaunchHostFunc", .run = [=] { function(data); }});
  });
}
