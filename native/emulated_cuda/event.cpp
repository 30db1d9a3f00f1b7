// Events: a mark in a stream, or a point of a capture.
#include <set>

#include "capture.h"
#include "device.h"
#include "failure.h"
#include "journal.h"
#include "memory.h"
#include "options.h"
#include "stream.h"

struct CUevent_st {
  bool timed;
  halfspace::emulated::MarkPointer mark;
  // Where it was last recorded in a stream that captured.
  std::shared_ptr<halfspace::emulated::Capture> capture;
  size_t captured_mark = 0;
};

namespace halfspace::emulated {
namespace {

std::set<CUevent_st*> events;

CUevent_st& event_of(cudaEvent_t handle) {
  require(events.contains(handle), cudaErrorInvalidResourceHandle);
  return *handle;
}

void record(CUevent_st& event, CUstream_st& stream) {
  event.capture = stream.capture;
  if (stream.capture) {
    event.captured_mark = stream.capture->mark(stream.branch);
  } else {
    event.mark = stream.mark_end();
  }
}

void wait_in_capture(CUstream_st& stream, const CUevent_st& event) {
  require(!stream.capture || stream.capture == event.capture, cudaErrorStreamCaptureMerge);
  if (!stream.capture) event.capture->join(stream);
  stream.capture->wait(stream.branch, event.captured_mark);
}

void wait(CUstream_st& stream, const CUevent_st& event) {
  if (event.capture) {
    wait_in_capture(stream, event);
  } else if (event.mark) {
    require(!stream.capture, cudaErrorStreamCaptureIsolation);
    stream.wait_for(event.mark);
  }
}

// An event that was never recorded counts as complete.
bool is_complete(const CUevent_st& event) { return !event.mark || event.mark->reached; }

void synchronize(const CUevent_st& event) {
  require(!event.capture, cudaErrorCapturedEvent);
  if (!event.mark || options().forget == Forgotten::WaitsOfHost) return;
  const Window window;
  run_ahead();
  run_until(event.mark);
  join_host(event.mark->clock);
}

}  // namespace

void reset_events() {
  for (CUevent_st* event : events) delete event;
  events.clear();
}

}  // namespace halfspace::emulated

using namespace halfspace::emulated;

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
  return call([&] {
    require(event != nullptr && (flags & ~(cudaEventBlockingSync | cudaEventDisableTiming)) == 0);
    require_device(current_device());
    *event = new CUevent_st{!(flags & cudaEventDisableTiming), {}, {}};
    events.insert(*event);
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t handle) {
  return call([&] {
    events.erase(&event_of(handle));
    delete handle;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return call([&] { record(event_of(event), stream_of(stream)); });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags) {
  return call([&] {
    require(flags == cudaEventWaitDefault);
    note({"wait", name_of(stream_of(stream))});
    if (options().forget != Forgotten::WaitsOfStreams) wait(stream_of(stream), event_of(event));
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return call([&] { synchronize(event_of(event)); });
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  return call([&] {
    CUevent_st& event = event_of(handle);
    require(!event.capture, cudaErrorCapturedEvent);
    const Window window;
    if (!is_complete(event)) std::shared_ptr(event.mark->stream)->run_next();
    require(is_complete(event), cudaErrorNotReady);
    synchronize(event);
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return call([&] {
    const CUevent_st &first = event_of(start), &last = event_of(end);
    require(milliseconds != nullptr);
    require(first.timed && last.timed && first.mark && last.mark, cudaErrorInvalidResourceHandle);
    require(is_complete(first) && is_complete(last), cudaErrorNotReady);
    std::chrono::duration<float, std::milli> elapsed = last.mark->when - first.mark->when;
    *milliseconds = elapsed.count();
  });
}
