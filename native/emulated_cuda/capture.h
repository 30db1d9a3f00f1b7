// Capture of streams into graphs, and replay. A graph keeps the items of all streams that took part in
// the order in which they were captured; a launch queues them again, the branches in streams of their
// own.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "stream.h"

namespace halfspace::emulated {

class Capture {
 public:
  Capture(CUstream_st& origin, cudaStreamCaptureMode mode);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  void add(size_t branch, Work work);
  // A point in the branch, for others to wait for.
  size_t mark(size_t branch);
  void wait(size_t branch, size_t mark);
  // Makes the stream one of this capture's.
  void join(CUstream_st& stream);
  // Ends it in all streams. Throws unless all branches were joined to the origin.
  void end(CUstream_st& origin);
  void invalidate() { valid_ = false; }

  // Queues everything again.
  void replay(CUstream_st& stream) const;
  // Whether calls of this thread that a capture cannot hold are refused.
  bool forbids_unsafe_calls() const;

 private:
  struct Step {
    enum class Kind { Work, Mark, Wait } kind;
    size_t branch;
    Work work;
    size_t mark;
  };

  // Of the last step of every branch, whether the origin waits for it, directly or not.
  bool all_joined() const;

  std::vector<Step> steps_;
  std::vector<CUstream_st*> streams_;
  std::vector<size_t> mark_branches_;
  cudaStreamCaptureMode mode_;
  std::thread::id thread_ = std::this_thread::get_id();
  bool valid_ = true;
};

// Throws cudaErrorStreamCaptureUnsupported, and invalidates the capture, where the stream captures.
void refuse_while_capturing(CUstream_st& stream);
// The same for calls that act on no stream, such as allocation, while any capture forbids them here.
void refuse_unsafe_call();

}  // namespace halfspace::emulated
