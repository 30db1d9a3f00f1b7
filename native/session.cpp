#include "session.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "typed_array.h"

namespace halfspace {
namespace {

const char* code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::Data:
      return "ERR_DATA";
    case ErrorCode::Shape:
      return "ERR_SHAPE";
    case ErrorCode::OutOfMemory:
    case ErrorCode::Device:
      return "ERR_DEVICE";
    case ErrorCode::Unsupported:
      return "ERR_UNSUPPORTED";
    case ErrorCode::Aborted:
      return "ERR_ABORTED";
    case ErrorCode::Internal:
      return "ERR_INTERNAL";
  }
  return "ERR_INTERNAL";
}

Napi::Error coded(Napi::Env env, const std::string& message, const char* code) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

Napi::Error disposed(Napi::Env env) {
  return coded(env, "the session is disposed", "ERR_DISPOSED");
}

napi_typedarray_type array_type(DType dtype) {
  if (dtype == DType::F64) return napi_float64_array;
  return dtype == DType::I32 ? napi_int32_array : napi_float32_array;
}

Napi::TypedArray new_array(Napi::Env env, DType dtype, size_t length) {
  if (dtype == DType::F64) return Napi::Float64Array::New(env, length);
  if (dtype == DType::I32) return Napi::Int32Array::New(env, length);
  return Napi::Float32Array::New(env, length);
}

void copy_in(const Napi::Value& value, const Port& port, char* in_out) {
  Napi::Env env = value.Env();
  if (!is_array_of(value, array_type(port.meta.dtype))) {
    throw Napi::TypeError::New(env, "input '" + port.name + "' must be a typed array of " +
                                        name_of(port.meta.dtype));
  }
  auto array = value.As<Napi::TypedArray>();
  if (array.ByteLength() != port.meta.bytes()) {
    throw Napi::RangeError::New(env, "input '" + port.name + "' must have " +
                                         std::to_string(port.meta.elements()) + " elements, got " +
                                         std::to_string(array.ElementLength()));
  }
  if (array.ByteLength() > 0) {
    std::memcpy(in_out + port.offset, address(array), array.ByteLength());
  }
}

Napi::Value copy_out(Napi::Env env, const Port& port, const char* in_out) {
  Napi::TypedArray array =
      new_array(env, port.meta.dtype, static_cast<size_t>(port.meta.elements()));
  if (port.meta.bytes() > 0) {
    std::memcpy(address(array), in_out + port.offset, port.meta.bytes());
  }
  return array;
}

}  // namespace

Napi::Error to_javascript(Napi::Env env, std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& failure) {
    return coded(env, failure.what(), code_of(failure.code()));
  } catch (const std::bad_alloc&) {
    return coded(env, "out of memory", "ERR_DEVICE");
  } catch (const std::exception& failure) {
    return coded(env, std::string("internal: ") + failure.what(), "ERR_INTERNAL");
  } catch (...) {
    return coded(env, "internal: an unknown exception", "ERR_INTERNAL");
  }
}

Session::Session(Napi::Env env, std::shared_ptr<Sessions> siblings, ExecutorOptions options)
    : env_(env),
      siblings_(std::move(siblings)),
      options_(options),
      worker_(std::make_unique<Worker>()) {
  completion_ = Completion::New(env, "halfspace", 0, 1, this);
  completion_.Unref(env);
  napi_add_env_cleanup_hook(env, end_of_environment, this);
  siblings_->insert(this);
}

Napi::Promise Session::open(const Napi::Value& self, Encoding program) {
  opening_.emplace(Napi::Promise::Deferred::New(env_));
  hold(self);
  worker_->post([this, given = std::move(program)] { prepare(given); });
  return opening_->Promise();
}

// On the worker, because OpenMP's team size belongs to a thread.
void Session::prepare(const Encoding& program) {
  try {
    executor_ = std::make_unique<Executor>(decode_program(program), options_);
  } catch (...) {
    open_failure_ = std::current_exception();
  }
  completion_.NonBlockingCall();
}

void Session::opened(Napi::Env env) {
  Napi::Promise::Deferred opening = *std::exchange(opening_, std::nullopt);
  if (open_failure_) {
    opening.Reject(to_javascript(env, open_failure_).Value());
    close(true);
  } else if (!worker_) {
    opening.Reject(disposed(env).Value());
  } else {
    spare_.resize(executor_->entries().size());
    staged_.resize(executor_->entries().size());
    external_bytes_ = static_cast<int64_t>(executor_->bytes());
    Napi::MemoryManagement::AdjustExternalMemory(env, external_bytes_);
    opening.Resolve(self_.Value());
  }
  let_go();
}

// A finalizer: it may run inside garbage collection, so no JavaScript from here on. At the end of
// an environment the completion is gone already.
Session::~Session() {
  close(true);
  if (environment_ended_) return;
  napi_remove_env_cleanup_hook(env_, end_of_environment, this);
  completion_.Release();
  siblings_->erase(this);
}

// Runs before Node takes the completion down, which then frees the jobs that are still in it.
void Session::end_of_environment(void* data) {
  auto* session = static_cast<Session*>(data);
  session->close(true);
  session->jobs_.clear();
  session->release_memory();
  session->self_.Reset();
  session->siblings_->erase(session);
  session->environment_ended_ = true;
}

Executor& Session::executor(Napi::Env env) {
  if (!worker_) throw disposed(env);
  return *executor_;
}

// The elements, taken out before anything else happens: a getter may run code of the caller, which may
// close the session.
std::vector<Napi::Value> Session::values_for(size_t entry, const Napi::Array& inputs) {
  std::vector<Napi::Value> values;
  for (uint32_t index = 0; index < inputs.Length(); ++index) values.push_back(inputs.Get(index));
  const EntryDescription& description = executor(env_).entries()[entry];
  if (values.size() == description.inputs.size()) return values;
  throw Napi::RangeError::New(env_, "entry '" + description.name + "' takes " +
                                        std::to_string(description.inputs.size()) + " inputs, got " +
                                        std::to_string(values.size()));
}

void Session::fill(Filling& filling, size_t entry, const std::vector<Napi::Value>& values) {
  const std::vector<Port>& ports = executor_->entries()[entry].inputs;
  for (size_t index = 0; index < values.size(); ++index) {
    if (values[index].IsUndefined()) continue;
    if (filling.filled[index]) {
      throw Napi::RangeError::New(env_, "input '" + ports[index].name + "' was staged already");
    }
    copy_in(values[index], ports[index], filling.memory->host());
    filling.memory->send(ports[index].offset, ports[index].meta.bytes());
    filling.filled[index] = true;
  }
}

// What was staged before is dropped: nobody will run it.
bool Session::stage(size_t entry, const Napi::Array& inputs) {
  std::vector<Napi::Value> values = values_for(entry, inputs);
  if (!executor_->sends_ahead()) return false;
  Filling filling = start_filling(entry);
  fill(filling, entry, values);
  staged_[entry] = std::move(filling);
  return true;
}

Napi::Promise Session::run(const Napi::Value& self, size_t entry, const Napi::Array& inputs,
                           double id) {
  std::vector<Napi::Value> values = values_for(entry, inputs);
  if (jobs_.count(id) > 0) throw Napi::RangeError::New(env_, "there is a job of that id already");
  auto job = std::make_unique<Job>(env_, entry, id);
  job->in_out = filled(entry, values);
  if (jobs_.empty()) hold(self);
  jobs_.emplace(id, job.get());
  worker_->post([this, waiting = job.get()] { execute(waiting); });
  return job.release()->deferred.Promise();
}

// With all inputs: those of `values`, and where it leaves some out, those that were staged.
std::unique_ptr<InOut> Session::filled(size_t entry, const std::vector<Napi::Value>& values) {
  const auto is_undefined = [](const Napi::Value& value) { return value.IsUndefined(); };
  bool goes_on = staged_[entry].memory && std::any_of(values.begin(), values.end(), is_undefined);
  Filling filling = goes_on ? std::exchange(staged_[entry], {}) : start_filling(entry);
  fill(filling, entry, values);
  auto missing = std::find(filling.filled.begin(), filling.filled.end(), false);
  if (missing == filling.filled.end()) return std::move(filling.memory);
  const Port& port = executor_->entries()[entry].inputs[missing - filling.filled.begin()];
  throw Napi::TypeError::New(env_, "input '" + port.name + "' is missing");
}

Filling Session::start_filling(size_t entry) {
  std::vector<bool> filled(executor_->entries()[entry].inputs.size(), false);
  auto& spare = spare_[entry];
  if (spare.empty()) return {executor_->allocate_in_out(entry), filled};
  std::unique_ptr<InOut> memory = std::move(spare.back());
  spare.pop_back();
  return {std::move(memory), filled};
}

// On the worker. A job that cannot be delivered belongs to an environment that is gone.
void Session::execute(Job* job) {
  try {
    executor_->run(job->entry, *job->in_out, job->abort);
  } catch (...) {
    job->error = std::current_exception();
  }
  if (completion_.NonBlockingCall(job) != napi_ok) delete job;
}

// Without an environment there is nobody to tell. While one ends, every call into it may fail; the
// job is forgotten all the same.
void Session::settle(Napi::Env env, Napi::Function, Session* session, Job* job) {
  std::unique_ptr<Job> owned(job);
  if (env == nullptr || session->environment_ended_) return;
  try {
    Napi::HandleScope scope(env);
    job ? session->deliver(env, *job) : session->opened(env);
  } catch (...) {
  }
  if (job) session->forget(*job);
}

void Session::deliver(Napi::Env env, Job& job) {
  if (job.error) return job.deferred.Reject(to_javascript(env, job.error).Value());
  const std::vector<Port>& outputs = executor_->entries()[job.entry].outputs;
  try {
    Napi::Array results = Napi::Array::New(env, outputs.size());
    for (uint32_t index = 0; index < outputs.size(); ++index) {
      results.Set(index, copy_out(env, outputs[index], job.in_out->host()));
    }
    job.deferred.Resolve(results);
  } catch (const Napi::Error& error) {
    job.deferred.Reject(error.Value());
  }
}

void Session::forget(Job& job) {
  // Inputs of a run that failed may not have been waited for.
  if (!job.error) spare_[job.entry].push_back(std::move(job.in_out));
  jobs_.erase(job.id);
  if (!jobs_.empty()) return;
  if (!worker_) release_memory();
  let_go();
}

// While there is something to come, neither garbage collection nor an empty event loop ends the session.
void Session::hold(const Napi::Value& self) {
  completion_.Ref(env_);
  self_ = Napi::Reference<Napi::Value>::New(self, 1);
}

void Session::let_go() {
  completion_.Unref(env_);
  self_.Reset();
}

void Session::abort(double id) {
  auto found = jobs_.find(id);
  if (found != jobs_.end()) found->second->abort = true;
}

void Session::drain() {
  if (worker_) worker_->drain();
}

void Session::close(bool abort_jobs) {
  if (abort_jobs) {
    for (auto& [id, job] : jobs_) job->abort = true;
  }
  worker_.reset();
  if (jobs_.empty()) release_memory();
}

void Session::release_memory() {
  spare_.clear();
  staged_.clear();
  executor_.reset();
  Napi::MemoryManagement::AdjustExternalMemory(env_, -external_bytes_);
  external_bytes_ = 0;
}

}  // namespace halfspace
