// What the kernel tests share: tests that name themselves, tensors in plain layout, and a way to
// run one kernel of the CPU device on them. Images go through the blocked layout on the way in and
// out; outputs and scratch are poisoned with NaN first, and padding channels are checked to be
// zero.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <utility>

#include "cpu/registry.h"

namespace halfspace::test {

// Channels in a block; every test program is built once for each width.
inline constexpr int64_t kBlock = HALFSPACE_BLOCK;

struct Test {
  const char* title;
  void (*body)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

struct Registration {
  Registration(const char* title, void (*body)()) { tests().push_back({title, body}); }
};

#define HALFSPACE_JOIN_(a, b) a##b
#define HALFSPACE_JOIN(a, b) HALFSPACE_JOIN_(a, b)
#define TEST(title)                                                                     \
  static void HALFSPACE_JOIN(test_, __LINE__)();                                        \
  static const ::halfspace::test::Registration HALFSPACE_JOIN(registration_, __LINE__)( \
      title, HALFSPACE_JOIN(test_, __LINE__));                                          \
  static void HALFSPACE_JOIN(test_, __LINE__)()

template <class... Parts>
[[noreturn]] void failed(const Parts&... parts) {
  fail(ErrorCode::Internal, parts...);
}

// A plain tensor of any element type; numbers are held as double until the kernel needs them.
struct Tensor {
  DType dtype = DType::F32;
  std::vector<int64_t> dims;
  std::vector<double> data;
  // Rank 4, but a weight rather than an image.
  bool weight = false;

  TensorMeta meta() const {
    TensorMeta meta{dtype, dims, Layout::Plain};
    if (!meta.is_image() || weight) return meta;
    meta.layout = Layout::Blocked;
    meta.block = kBlock;
    return meta;
  }
  double& operator[](size_t i) { return data[i]; }
  double operator[](size_t i) const { return data[i]; }
  size_t size() const { return data.size(); }
};

inline int64_t elements(const std::vector<int64_t>& dims) {
  int64_t count = 1;
  for (int64_t dim : dims) count *= dim;
  return count;
}

inline Tensor zeros(std::vector<int64_t> dims, DType dtype = DType::F32) {
  const int64_t count = elements(dims);
  return {dtype, std::move(dims), std::vector<double>(count, 0.0), false};
}

// Values that are exact in float, between -spread and spread.
inline Tensor random(std::vector<int64_t> dims, uint32_t seed, double spread = 2.0) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(static_cast<float>(-spread),
                                                static_cast<float>(spread));
  Tensor t = zeros(std::move(dims));
  for (double& value : t.data) value = uniform(engine);
  return t;
}

// Few distinct values, so that maxima tie.
inline Tensor random_ties(std::vector<int64_t> dims, uint32_t seed) {
  Tensor t = random(std::move(dims), seed);
  for (double& value : t.data) value = std::round(value);
  return t;
}

inline int64_t stored_index(const TensorMeta& meta, int64_t plain) {
  if (!meta.is_blocked()) return plain;
  const int64_t pixels = meta.dim(2) * meta.dim(3);
  const int64_t pixel = plain % pixels, channel = plain / pixels % meta.dim(1);
  const int64_t n = plain / pixels / meta.dim(1);
  return ((n * meta.blocks() + channel / kBlock) * pixels + pixel) * kBlock + channel % kBlock;
}

// Memory that a kernel may see: aligned, and of exactly the promised size for the sanitizer.
class Buffer {
 public:
  explicit Buffer(size_t bytes)
      : bytes_(bytes), data_(std::aligned_alloc(kAlignment, round_up(bytes + 1, kAlignment))) {}
  Buffer(Buffer&& other) : bytes_(other.bytes_), data_(std::exchange(other.data_, nullptr)) {}
  Buffer(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  void poison() { std::memset(data_, 0xFF, bytes_); }
  void clear() { std::memset(data_, 0, bytes_); }
  void* data() const { return data_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  size_t bytes_;
  void* data_;
};

inline Buffer stored(const Tensor& t, const TensorMeta& meta) {
  Buffer buffer(meta.bytes());
  buffer.clear();
  for (size_t i = 0; i < t.size(); ++i) {
    const int64_t at = stored_index(meta, static_cast<int64_t>(i));
    if (t.dtype == DType::F32) buffer.as<float>()[at] = static_cast<float>(t[i]);
    if (t.dtype == DType::F64) buffer.as<double>()[at] = t[i];
    if (t.dtype == DType::I32) buffer.as<int32_t>()[at] = static_cast<int32_t>(t[i]);
  }
  return buffer;
}

inline void load(const void* memory, const TensorMeta& meta, Tensor& t) {
  for (size_t i = 0; i < t.size(); ++i) {
    const int64_t at = stored_index(meta, static_cast<int64_t>(i));
    if (t.dtype == DType::F32) t[i] = static_cast<const float*>(memory)[at];
    if (t.dtype == DType::F64) t[i] = static_cast<const double*>(memory)[at];
    if (t.dtype == DType::I32) t[i] = static_cast<const int32_t*>(memory)[at];
  }
}

inline void expect_zero_padding(const void* memory, const TensorMeta& meta) {
  if (!meta.is_blocked()) return;
  for (int64_t i = 0; i < meta.stored_elements(); ++i) {
    const int64_t pixels = meta.dim(2) * meta.dim(3);
    const int64_t channel = i / (pixels * kBlock) % meta.blocks() * kBlock + i % kBlock;
    const float value = static_cast<const float*>(memory)[i];
    if (channel >= meta.dim(1) && value != 0.0f)
      failed("padding of ", meta.text(), " holds ", value);
  }
}

using Attrs = std::map<std::string, Attribute>;

inline std::vector<double> list(std::initializer_list<double> values) { return values; }

inline const KernelEntry& entry_of(const std::string& kernel) {
  const KernelEntry* entry = cpu::find_kernel(kernel, kBlock);
  if (!entry) failed("no kernel ", kernel);
  return *entry;
}

// The step with the layouts that the kernel asks for; blocked where it does not mind.
inline StepMeta step_of(const KernelEntry& entry, const Attrs& attrs,
                        const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) {
  StepMeta step;
  step.kernel = step.label = entry.name;
  step.attrs = Attributes(attrs);
  for (const Tensor& t : inputs) step.inputs.push_back(t.meta());
  for (const Tensor& t : outputs) step.outputs.push_back(t.meta());
  const StepMeta asked = step;
  const auto choose = [&](TensorMeta& meta, Operand operand) {
    if (meta.is_image() && entry.layout(asked, operand) == Wanted::Plain) {
      meta.layout = Layout::Plain;
      meta.block = 0;
    }
  };
  for (size_t i = 0; i < inputs.size(); ++i) choose(step.inputs[i], {false, i});
  for (size_t i = 0; i < outputs.size(); ++i) choose(step.outputs[i], {true, i});
  return step;
}

// Runs `kernel` once. An output whose index is in `in_place` shares the memory of that input.
// `outputs` say types and shapes and receive the results.
inline void run(const char* kernel, const Attrs& attrs, const std::vector<Tensor>& inputs,
                std::vector<Tensor>& outputs, const std::map<size_t, size_t>& in_place = {}) {
  const KernelEntry& entry = entry_of(kernel);
  const StepMeta step = step_of(entry, attrs, inputs, outputs);
  std::vector<Buffer> memory;
  std::vector<const void*> in;
  std::vector<void*> out;
  for (size_t i = 0; i < inputs.size(); ++i) {
    in.push_back(memory.emplace_back(stored(inputs[i], step.inputs[i])).data());
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto shared = in_place.find(i);
    if (shared != in_place.end()) {
      out.push_back(const_cast<void*>(in[shared->second]));
    } else {
      memory.emplace_back(step.outputs[i].bytes()).poison();
      out.push_back(memory.back().data());
    }
  }
  const auto made = entry.make(step);
  Buffer scratch(made->scratch_bytes());
  scratch.poison();
  made->run({in, out, scratch.data()});
  for (size_t i = 0; i < outputs.size(); ++i) {
    load(out[i], step.outputs[i], outputs[i]);
    expect_zero_padding(out[i], step.outputs[i]);
  }
}

// The single result of a kernel.
inline Tensor run(const char* kernel, const Attrs& attrs, const std::vector<Tensor>& inputs,
                  Tensor output) {
  std::vector<Tensor> outputs{std::move(output)};
  run(kernel, attrs, inputs, outputs);
  return outputs[0];
}

// |actual - expected| <= tolerance * (1 + |expected|); NaN equals NaN.
inline void expect_close(const Tensor& actual, const Tensor& expected, double tolerance,
                         const char* what = "result") {
  if (actual.dims != expected.dims) failed(what, ": shapes differ");
  for (size_t i = 0; i < actual.size(); ++i) {
    const double a = actual[i], e = expected[i];
    const bool fits = a == e || std::abs(a - e) <= tolerance * (1.0 + std::abs(e));
    if (!fits && !(std::isnan(a) && std::isnan(e))) {
      failed(what, "[", i, "] is ", a, ", expected ", e);
    }
  }
}

inline void expect_equal(const Tensor& actual, const Tensor& expected,
                         const char* what = "result") {
  expect_close(actual, expected, 0.0, what);
}

// Passes when `body` throws a halfspace::Error.
inline void expect_refused(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error&) {
    return;
  }
  failed("nothing was thrown");
}

inline int run_all() {
  int failures = 0;
  for (const Test& t : tests()) {
    try {
      t.body();
      std::printf("ok      %s\n", t.title);
    } catch (const std::exception& error) {
      ++failures;
      std::printf("FAILED  %s: %s\n", t.title, error.what());
    }
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace halfspace::test

int main() { return halfspace::test::run_all(); }
