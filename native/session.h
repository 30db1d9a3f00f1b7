// A session as the addon holds it: an executor, the thread that makes and runs it, and the jobs on their
// way. JavaScript's thread calls everything here but `Session::prepare` and `Session::execute`.
#pragma once

#include <napi.h>

#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "encoding.h"
#include "executor.h"
#include "worker.h"

namespace halfspace {

class Session;

// One run of an entry, with its own memory for inputs and outputs, so that the next run's inputs
// can be filled while this one works.
struct Job {
  Job(Napi::Env env, size_t entry, double id)
      : deferred(Napi::Promise::Deferred::New(env)), entry(entry), id(id) {}

  Napi::Promise::Deferred deferred;
  size_t entry;
  double id;
  std::unique_ptr<InOut> in_out;
  std::atomic<bool> abort = false;
  std::exception_ptr error;
};

// Memory for a run of an entry, and which of its inputs are there already.
struct Filling {
  std::unique_ptr<InOut> memory;
  std::vector<bool> filled;
};

// The sessions of one JavaScript environment.
using Sessions = std::set<Session*>;

class Session {
 public:
  Session(Napi::Env env, std::shared_ptr<Sessions> siblings, ExecutorOptions options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Decodes, plans and prepares a program on the worker; resolves with `self`, which is kept alive until
  // then and must not be used before.
  Napi::Promise open(const Napi::Value& self, Encoding program);

  // Throws a JavaScript error once the session is closed.
  Executor& executor(Napi::Env env);
  const ExecutorOptions& options() const { return options_; }

  // Copies the inputs that are not undefined and lets them set out for the device; the next run of the
  // entry that leaves one out takes them. False, without copying, where nothing is gained by it.
  bool stage(size_t entry, const Napi::Array& inputs);
  // Copies the inputs and queues a run. `self` is kept alive until it is done.
  Napi::Promise run(const Napi::Value& self, size_t entry, const Napi::Array& inputs, double id);
  // Asks the job to end at its next step; nothing happens if it is done.
  void abort(double id);
  // Waits until all runs are done, so that arenas can be touched.
  void drain();
  // Finishes what is queued (or, when told to abort, ends it at the next step) and joins the
  // thread. Memory goes when the last result is delivered.
  void close(bool abort_jobs);

 private:
  static void settle(Napi::Env env, Napi::Function, Session* session, Job* job);
  static void end_of_environment(void* session);
  // Tells of a job that is done, or with a null that the session is open.
  using Completion = Napi::TypedThreadSafeFunction<Session, Job, settle>;

  void prepare(const Encoding& program);
  void opened(Napi::Env env);
  std::vector<Napi::Value> values_for(size_t entry, const Napi::Array& inputs);
  Filling start_filling(size_t entry);
  void fill(Filling& filling, size_t entry, const std::vector<Napi::Value>& values);
  std::unique_ptr<InOut> filled(size_t entry, const std::vector<Napi::Value>& values);
  void execute(Job* job);
  void deliver(Napi::Env env, Job& job);
  void forget(Job& job);
  void hold(const Napi::Value& self);
  void let_go();
  void release_memory();

  Napi::Env env_;
  std::shared_ptr<Sessions> siblings_;
  ExecutorOptions options_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Worker> worker_;
  Completion completion_;
  std::optional<Napi::Promise::Deferred> opening_;
  std::exception_ptr open_failure_;
  std::map<double, Job*> jobs_;
  Napi::Reference<Napi::Value> self_;  // held while it opens or has jobs
  bool environment_ended_ = false;
  std::vector<std::vector<std::unique_ptr<InOut>>> spare_;  // by entry
  std::vector<Filling> staged_;                             // by entry
  int64_t external_bytes_ = 0;
};

// The JavaScript error for whatever was thrown; `code` is one of lib/errors.ts.
Napi::Error to_javascript(Napi::Env env, std::exception_ptr error);

}  // namespace halfspace
