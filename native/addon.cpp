// What JavaScript can call: functions on a handle that `open` returns. Arguments are checked here
// as far as memory depends on them; friendly checks are TypeScript's. No arithmetic.
#include <cstring>

#include "cpu/library.h"
#include "cuda_device.h"
#include "decode.h"
#include "image_functions.h"
#include "session.h"
#include "typed_array.h"

namespace halfspace {
namespace {

using Info = Napi::CallbackInfo;
using Handle = Napi::External<Session>;

// Marks our handles, so that another addon's external is refused rather than dereferenced.
constexpr napi_type_tag kSessionTag = {0x68616c6673706163, 0x9c1d5e0a7b3f4826};

// BOUNDARY of lib/train/loader.ts: raised where a function here or the encoding of programs changes.
constexpr int kBoundary = 5;

constexpr double kLargestId = 9007199254740991;  // 2^53 - 1
constexpr int64_t kMostThreads = 1024;

// Turns every C++ exception into a JavaScript one.
template <Napi::Value (*function)(const Info&)>
Napi::Value guarded(const Info& info) {
  try {
    return function(info);
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw to_javascript(info.Env(), std::current_exception());
  }
}

std::shared_ptr<Sessions> sessions_of(Napi::Env env) {
  return *env.GetInstanceData<std::shared_ptr<Sessions>>();
}

Session& session_of(const Info& info) {
  Napi::Value value = info[0];
  if (!value.IsExternal() || !value.As<Handle>().CheckTypeTag(&kSessionTag)) {
    throw Napi::TypeError::New(info.Env(), "the first argument must be a session");
  }
  return *value.As<Handle>().Data();
}

size_t index_below(const Info& info, size_t argument, const char* name, size_t count) {
  return static_cast<size_t>(
      decode_integer(info[argument], name, 0, static_cast<int64_t>(count) - 1));
}

std::optional<Precision> decode_precision(const Napi::Value& value) {
  if (value.IsUndefined()) return std::nullopt;
  std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  if (name == "fp32") return Precision::Fp32;
  if (name == "tf32") return Precision::Tf32;
  if (name == "bf16") return Precision::Bf16;
  throw Napi::TypeError::New(value.Env(), "precision must be fp32, tf32 or bf16");
}

ExecutorOptions decode_options(const Napi::Value& value) {
  ExecutorOptions options{available_cores()};
  if (value.IsUndefined()) return options;
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "options must be an object");
  auto source = value.As<Napi::Object>();
  Napi::Value threads = source.Get("threads");
  if (!threads.IsUndefined()) {
    options.threads = static_cast<int>(decode_integer(threads, "threads", 1, kMostThreads));
  }
  Napi::Value trace = source.Get("trace");
  if (!trace.IsUndefined() && !trace.IsBoolean()) {
    throw Napi::TypeError::New(value.Env(), "trace must be a boolean");
  }
  options.trace = trace.IsBoolean() && trace.As<Napi::Boolean>().Value();
  options.precision = decode_precision(source.Get("precision"));
  return options;
}

// open(program, options?) -> promise of a handle
Napi::Value open(const Info& info) {
  Encoding program = decode_encoding(info[0]);
  ExecutorOptions options = decode_options(info[1]);
  auto owned = std::make_unique<Session>(info.Env(), sessions_of(info.Env()), options);
  Session* session = owned.get();
  Handle handle = Handle::New(info.Env(), session,
                              [](Napi::BasicEnv, Session* finished) { delete finished; });
  owned.release();
  handle.TypeTag(&kSessionTag);
  return session->open(handle, std::move(program));
}

double decode_id(const Napi::Value& value) {
  return static_cast<double>(
      decode_integer(value, "job", 0, static_cast<int64_t>(kLargestId)));
}

size_t decode_entry(const Info& info, Session& session) {
  return index_below(info, 1, "entry", session.executor(info.Env()).entries().size());
}

Napi::Array decode_inputs(const Napi::Value& value) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "inputs must be an array");
  return value.As<Napi::Array>();
}

// stage(handle, entry, inputs) -> whether `run` may leave these inputs out
Napi::Value stage(const Info& info) {
  Session& session = session_of(info);
  size_t entry = decode_entry(info, session);
  return Napi::Boolean::New(info.Env(), session.stage(entry, decode_inputs(info[2])));
}

// run(handle, entry, inputs, job) -> promise of outputs
Napi::Value run(const Info& info) {
  Session& session = session_of(info);
  size_t entry = decode_entry(info, session);
  return session.run(info[0], entry, decode_inputs(info[2]), decode_id(info[3]));
}

// abort(handle, job)
Napi::Value abort(const Info& info) {
  session_of(info).abort(decode_id(info[1]));
  return info.Env().Undefined();
}

struct ArenaRange {
  size_t arena;
  size_t offset;  // bytes
};

// Arguments 1 and 2: an arena of f32 and an offset from which `length` elements fit.
ArenaRange decode_range(const Info& info, Executor& executor, int64_t length) {
  size_t arena = index_below(info, 1, "arena", executor.arenas().size());
  const Arena& target = executor.arenas()[arena];
  if (target.dtype != DType::F32) {
    throw Napi::TypeError::New(info.Env(), "arena '" + target.name + "' does not hold f32");
  }
  if (length > target.length) {
    throw Napi::RangeError::New(info.Env(), "arena '" + target.name + "' has " +
                                                std::to_string(target.length) + " elements, not " +
                                                std::to_string(length));
  }
  int64_t offset = decode_integer(info[2], "offset", 0, target.length - length);
  return {arena, static_cast<size_t>(offset) * sizeof(float)};
}

// write(handle, arena, offset, data)
Napi::Value write(const Info& info) {
  Session& session = session_of(info);
  Executor& executor = session.executor(info.Env());
  if (!is_array_of(info[3], napi_float32_array)) {
    throw Napi::TypeError::New(info.Env(), "data must be a Float32Array");
  }
  auto data = info[3].As<Napi::Float32Array>();
  ArenaRange range = decode_range(info, executor, static_cast<int64_t>(data.ElementLength()));
  session.drain();
  executor.write(range.arena, range.offset, data.Data(), data.ByteLength());
  return info.Env().Undefined();
}

// read(handle, arena, offset, length) -> Float32Array
Napi::Value read(const Info& info) {
  Session& session = session_of(info);
  Executor& executor = session.executor(info.Env());
  int64_t length = decode_integer(info[3], "length", 0, int64_t{1} << 32);
  ArenaRange range = decode_range(info, executor, length);
  auto result = Napi::Float32Array::New(info.Env(), static_cast<size_t>(length));
  session.drain();
  executor.read(range.arena, range.offset, result.Data(), result.ByteLength());
  return result;
}

Napi::Object describe_entry(Napi::Env env, const EntryDescription& entry) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("name", entry.name);
  result.Set("steps", static_cast<double>(entry.steps));
  result.Set("reorders", static_cast<double>(entry.reorders));
  result.Set("aliases", static_cast<double>(entry.aliases));
  result.Set("temporaryBytes", static_cast<double>(entry.temporary_bytes));
  return result;
}

Napi::Object describe_times(Napi::Env env, const Executor& executor) {
  Napi::Object result = Napi::Object::New(env);
  for (const auto& [kernel, time] : executor.times()) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("calls", static_cast<double>(time.calls));
    row.Set("milliseconds", time.milliseconds);
    result.Set(kernel, row);
  }
  return result;
}

// describe(handle) -> {threads, bytes, entries, kernels}
Napi::Value describe(const Info& info) {
  Session& session = session_of(info);
  Executor& executor = session.executor(info.Env());
  session.drain();
  Napi::Object result = Napi::Object::New(info.Env());
  Napi::Array entries = Napi::Array::New(info.Env());
  for (const EntryDescription& entry : executor.entries()) {
    entries.Set(entries.Length(), describe_entry(info.Env(), entry));
  }
  result.Set("threads", session.options().threads);
  result.Set("bytes", static_cast<double>(executor.bytes()));
  result.Set("entries", entries);
  result.Set("kernels", describe_times(info.Env(), executor));
  return result;
}

// close(handle): finishes what is queued, then ends the thread; idempotent
Napi::Value close(const Info& info) {
  session_of(info).close(false);
  return info.Env().Undefined();
}

// shutdown(): ends the threads of all sessions here, before the process does
Napi::Value shutdown(const Info& info) {
  for (Session* session : Sessions(*sessions_of(info.Env()))) session->close(true);
  return info.Env().Undefined();
}

// cores() -> number of processor cores this process may use
Napi::Value cores(const Info& info) { return Napi::Number::New(info.Env(), available_cores()); }

// engine() -> {name, library, instructions, bf16}
Napi::Value engine(const Info& info) {
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("name", "cpu");
  result.Set("library", "oneDNN " + cpu::library_version());
  result.Set("instructions", cpu::instruction_set());
  result.Set("bf16", cpu::has_bf16());
  return result;
}

// devices() -> [{name, available, description}], those of CUDA
Napi::Value devices(const Info& info) {
  Napi::Array result = Napi::Array::New(info.Env());
  for (const cuda::DeviceReport& report : cuda::devices()) {
    Napi::Object row = Napi::Object::New(info.Env());
    row.Set("name", report.name);
    row.Set("available", report.available);
    row.Set("description", report.description);
    result.Set(result.Length(), row);
  }
  return result;
}

template <Napi::Value (*function)(const Info&)>
void add(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<function>>(exports.Env(), name));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new std::shared_ptr<Sessions>(std::make_shared<Sessions>()));
  exports.Set("boundary", kBoundary);
  add<open>(exports, "open");
  add<stage>(exports, "stage");
  add<run>(exports, "run");
  add<abort>(exports, "abort");
  add<write>(exports, "write");
  add<read>(exports, "read");
  add<describe>(exports, "describe");
  add<close>(exports, "close");
  add<shutdown>(exports, "shutdown");
  add<cores>(exports, "cores");
  add<engine>(exports, "engine");
  add<devices>(exports, "devices");
  add<open_image>(exports, "openImage");
  add<decode_jpeg>(exports, "decodeJpeg");
  add<resample_pixels>(exports, "resamplePixels");
  add<mirror_pixels>(exports, "mirrorPixels");
  add<normalize_pixels>(exports, "normalizePixels");
  return exports;
}

}  // namespace
}  // namespace halfspace

static Napi::Object initialize_module(Napi::Env env, Napi::Object exports) {
  return halfspace::initialize(env, exports);
}

NODE_API_MODULE(halfspace, initialize_module)
