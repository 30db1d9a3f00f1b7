// One thread with a queue of jobs, run in the order they came. Knows no Node.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace halfspace {

class Worker {
 public:
  Worker();
  // Runs what is queued, then ends the thread.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Jobs must not throw.
  void post(std::function<void()> job);
  // Waits until everything posted so far has run.
  void drain();

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool busy_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

// Processors that this process may use; the hyperthreads of one core count once.
int available_cores();

}  // namespace halfspace
