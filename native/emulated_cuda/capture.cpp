#include "capture.h"

#include <algorithm>

#include "failure.h"

namespace halfspace::emulated {
namespace {

std::vector<Capture*> active;

}  // namespace

Capture::Capture(CUstream_st& origin, cudaStreamCaptureMode mode) : mode_(mode) {
  streams_.push_back(&origin);
  origin.branch = 0;
  active.push_back(this);
}

Capture::~Capture() { std::erase(active, this); }

void Capture::add(size_t branch, Work work) {
  require(valid_, cudaErrorStreamCaptureInvalidated);
  steps_.push_back({Step::Kind::Work, branch, std::move(work), 0});
}

size_t Capture::mark(size_t branch) {
  size_t mark = mark_branches_.size();
  mark_branches_.push_back(branch);
  steps_.push_back({Step::Kind::Mark, branch, {}, mark});
  return mark;
}

void Capture::wait(size_t branch, size_t mark) {
  steps_.push_back({Step::Kind::Wait, branch, {}, mark});
}

void Capture::join(CUstream_st& stream) {
  stream.branch = streams_.size();
  streams_.push_back(&stream);
  stream.capture = streams_.front()->capture;
}

// Backwards from the end: a branch is joined beyond the mark that a joined branch waits for.
bool Capture::all_joined() const {
  std::vector<bool> joined(streams_.size(), false);
  std::vector<bool> awaited(mark_branches_.size(), false);
  joined[0] = true;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (step->kind == Step::Kind::Mark && awaited[step->mark]) joined[step->branch] = true;
    if (step->kind == Step::Kind::Wait && joined[step->branch]) awaited[step->mark] = true;
    if (step->kind == Step::Kind::Work && !joined[step->branch]) return false;
  }
  return true;
}

void Capture::end(CUstream_st& origin) {
  require(streams_.front() == &origin, cudaErrorStreamCaptureUnmatched);
  require(mode_ == cudaStreamCaptureModeRelaxed || thread_ == std::this_thread::get_id(),
          cudaErrorStreamCaptureWrongThread);
  auto self = origin.capture;
  for (CUstream_st* stream : streams_) stream->capture = nullptr;
  std::erase(active, this);
  require(valid_, cudaErrorStreamCaptureInvalidated);
  require(all_joined(), cudaErrorStreamCaptureUnjoined);
}

void Capture::replay(CUstream_st& stream) const {
  std::vector<std::shared_ptr<CUstream_st>> branches{stream.shared_from_this()};
  while (branches.size() < streams_.size()) {
    branches.push_back(std::make_shared<CUstream_st>(stream.device, false));
  }
  std::vector<MarkPointer> marks;
  for (const Step& step : steps_) {
    CUstream_st& branch = *branches[step.branch];
    if (step.kind == Step::Kind::Work) submit(branch, step.work);
    if (step.kind == Step::Kind::Mark) marks.push_back(branch.mark_end());
    if (step.kind == Step::Kind::Wait) branch.wait_for(marks[step.mark]);
  }
}

bool Capture::forbids_unsafe_calls() const {
  if (mode_ == cudaStreamCaptureModeRelaxed) return false;
  return mode_ == cudaStreamCaptureModeGlobal || thread_ == std::this_thread::get_id();
}

void refuse_while_capturing(CUstream_st& stream) {
  if (!stream.capture) return;
  stream.capture->invalidate();
  throw Failure{cudaErrorStreamCaptureUnsupported};
}

void refuse_unsafe_call() {
  for (Capture* capture : active) {
    if (!capture->forbids_unsafe_calls()) continue;
    capture->invalidate();
    throw Failure{cudaErrorStreamCaptureUnsupported};
  }
}

}  // namespace halfspace::emulated
