// What the kernel tests share: tests that name themselves, tensors in plain layout, and a way to
// run one kernel of the device under test on them. Images go through the blocked layout on the way
// in and out; outputs and scratch are poisoned with NaN first, and padding channels are checked to
// be zero.
#pragma once

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <utility>

#include "device_under_test.h"
#include "tests.h"

namespace halfspace::test {

// A plain tensor of any element type; numbers are held as double until the kernel needs them.
struct Tensor {
  DType dtype = DType::F32;
  Dims dims;
  std::vector<double> data;
  // Rank 4, but a weight rather than an image.
  bool weight = false;

  TensorMeta meta() const {
    TensorMeta meta{dtype, dims, Layout::Plain};
    if (!meta.is_image() || weight) return meta;
    meta.layout = Layout::Blocked;
    meta.block = channel_block(meta.dim(1));
    return meta;
  }
  double& operator[](size_t i) { return data[i]; }
  double operator[](size_t i) const { return data[i]; }
  size_t size() const { return data.size(); }
};

inline int64_t elements(const Dims& dims) {
  int64_t count = 1;
  for (int64_t dim : dims) count *= dim;
  return count;
}

inline Tensor zeros(Dims dims, DType dtype = DType::F32) {
  const int64_t count = elements(dims);
  return {dtype, std::move(dims), std::vector<double>(count, 0.0), false};
}

// Values that are exact in float, between -spread and spread.
inline Tensor random(Dims dims, uint32_t seed, double spread = 2.0) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(static_cast<float>(-spread),
                                                static_cast<float>(spread));
  Tensor t = zeros(std::move(dims));
  for (double& value : t.data) value = uniform(engine);
  return t;
}

// Few distinct values, so that maxima tie.
inline Tensor random_ties(Dims dims, uint32_t seed) {
  Tensor t = random(std::move(dims), seed);
  for (double& value : t.data) value = std::round(value);
  return t;
}

inline int64_t stored_index(const TensorMeta& meta, int64_t plain) {
  if (!meta.is_blocked()) return plain;
  const int64_t pixels = meta.dim(2) * meta.dim(3);
  const int64_t pixel = plain % pixels, channel = plain / pixels % meta.dim(1);
  const int64_t n = plain / pixels / meta.dim(1);
  const int64_t block = channel / meta.block, lane = channel % meta.block;
  return ((n * meta.blocks() + block) * pixels + pixel) * meta.block + lane;
}

template <class T>
void store_as(const Tensor& t, const TensorMeta& meta, char* memory) {
  for (size_t i = 0; i < t.size(); ++i) {
    reinterpret_cast<T*>(memory)[stored_index(meta, static_cast<int64_t>(i))] =
        static_cast<T>(t[i]);
  }
}

template <class T>
void load_as(const char* memory, const TensorMeta& meta, Tensor& t) {
  for (size_t i = 0; i < t.size(); ++i) {
    t[i] = reinterpret_cast<const T*>(memory)[stored_index(meta, static_cast<int64_t>(i))];
  }
}

// The bytes of a tensor as a device stores them; padding is zero.
inline std::vector<char> stored(const Tensor& t, const TensorMeta& meta) {
  std::vector<char> bytes(meta.bytes(), 0);
  if (t.dtype == DType::F32) store_as<float>(t, meta, bytes.data());
  if (t.dtype == DType::F64) store_as<double>(t, meta, bytes.data());
  if (t.dtype == DType::I32) store_as<int32_t>(t, meta, bytes.data());
  return bytes;
}

inline void load(const std::vector<char>& bytes, const TensorMeta& meta, Tensor& t) {
  if (t.dtype == DType::F32) load_as<float>(bytes.data(), meta, t);
  if (t.dtype == DType::F64) load_as<double>(bytes.data(), meta, t);
  if (t.dtype == DType::I32) load_as<int32_t>(bytes.data(), meta, t);
}

inline void expect_zero_padding(const std::vector<char>& bytes, const TensorMeta& meta) {
  if (!meta.is_blocked()) return;
  const auto* memory = reinterpret_cast<const float*>(bytes.data());
  const int64_t pixels = meta.dim(2) * meta.dim(3);
  for (int64_t i = 0; i < meta.stored_elements(); ++i) {
    const int64_t block = i / (pixels * meta.block) % meta.blocks();
    const int64_t channel = block * meta.block + i % meta.block;
    if (channel >= meta.dim(1) && memory[i] != 0.0f)
      failed("padding of ", meta.text(), " holds ", memory[i]);
  }
}

using Attrs = std::map<std::string, Attribute>;

inline std::vector<double> list(std::initializer_list<double> values) { return values; }

inline const KernelEntry& entry_of(const std::string& kernel) {
  const KernelEntry* entry = find_kernel(kernel);
  if (!entry) failed("no kernel ", kernel);
  return *entry;
}

// The step with the layouts that the kernel asks for; blocked where it does not mind.
inline StepMeta step_of(const KernelEntry& entry, const Attributes& attrs,
                        const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) {
  StepMeta step;
  step.kernel = step.label = entry.name;
  step.attrs = attrs;
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

inline std::shared_ptr<Buffer> buffer_for(const TensorMeta& meta, size_t shift) {
  return std::make_shared<Buffer>(meta.bytes(), shift * size_of(meta.dtype));
}

// Runs a kernel once. An output whose index is in `in_place` shares the memory of that input; every
// operand begins `shift` elements after an aligned address, as tensors of an arena may. `outputs`
// say types and shapes and receive the results.
inline void run_step(const KernelEntry& entry, const Attributes& attrs, const std::vector<Tensor>& inputs,
                     std::vector<Tensor>& outputs, const std::map<size_t, size_t>& in_place = {},
                     size_t shift = 0) {
  const StepMeta step = step_of(entry, attrs, inputs, outputs);
  const auto made = entry.make(step);
  std::vector<std::shared_ptr<Buffer>> in_memory, out_memory;
  std::vector<const void*> in;
  std::vector<void*> out;
  for (size_t i = 0; i < inputs.size(); ++i) {
    in_memory.push_back(buffer_for(step.inputs[i], shift));
    in_memory[i]->write(stored(inputs[i], step.inputs[i]));
    in.push_back(in_memory[i]->data());
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto shared = in_place.find(i);
    if (shared != in_place.end()) {
      out_memory.push_back(in_memory[shared->second]);
    } else {
      out_memory.push_back(buffer_for(step.outputs[i], shift));
      out_memory[i]->poison();
    }
    out.push_back(out_memory[i]->data());
  }
  Buffer scratch(made->scratch_bytes()), prepared(made->prepared_bytes());
  scratch.poison();
  prepared.poison();
  made->prepare({in, out, scratch.data(), prepared.data()});
  scratch.poison();
  made->run({in, out, scratch.data(), prepared.data()});
  device().wait();
  made->verify();
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::vector<char> bytes = out_memory[i]->read();
    load(bytes, step.outputs[i], outputs[i]);
    expect_zero_padding(bytes, step.outputs[i]);
  }
}

inline void run(const KernelEntry& entry, const Attrs& attrs, const std::vector<Tensor>& inputs,
                std::vector<Tensor>& outputs, const std::map<size_t, size_t>& in_place = {},
                size_t shift = 0) {
  run_step(entry, Attributes(attrs), inputs, outputs, in_place, shift);
}

inline void run(const char* kernel, const Attrs& attrs, const std::vector<Tensor>& inputs,
                std::vector<Tensor>& outputs, const std::map<size_t, size_t>& in_place = {},
                size_t shift = 0) {
  run(entry_of(kernel), attrs, inputs, outputs, in_place, shift);
}

// The single result of a kernel.
inline Tensor run(const KernelEntry& entry, const Attrs& attrs, const std::vector<Tensor>& inputs,
                  Tensor output) {
  std::vector<Tensor> outputs{std::move(output)};
  run(entry, attrs, inputs, outputs);
  return outputs[0];
}

inline Tensor run(const char* kernel, const Attrs& attrs, const std::vector<Tensor>& inputs,
                  Tensor output) {
  return run(entry_of(kernel), attrs, inputs, std::move(output));
}

// |actual - expected| <= tolerance * (1 + |expected|); NaN equals NaN.
inline void expect_close(const Tensor& actual, const Tensor& expected, double tolerance,
                         const std::string& what = "result") {
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

}  // namespace halfspace::test
