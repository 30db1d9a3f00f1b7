// Chains: a program gives what its kernels give one after the other on the whole batch, in fewer steps, with the
// same bits on every number of threads.
#include <set>

#include "executor.h"
#include "harness.h"

using namespace halfspace;
using namespace halfspace::test;

namespace {

// Not the tensor of a program.
using Value = halfspace::test::Tensor;

constexpr double kTolerance = 2e-6;

Attrs convolution_attrs(int64_t groups, double padding) {
  return {{"groups", static_cast<double>(groups)},
          {"strides", list({1, 1})},
          {"dilations", list({1, 1})},
          {"padding", list({padding, padding, padding, padding})}};
}

// A program in the making: every tensor with its values, or what the oracle says they are.
class Build {
 public:
  explicit Build(size_t arena_floats = 1 << 16)
      : program_{"cpu", {{"arena", DType::F32, static_cast<int64_t>(arena_floats)}}, {}, {{"run", {}, {}, {}}}} {}

  size_t input(Value value) {
    const size_t index = add(std::move(value), {StorageKind::Input});
    entry().inputs.push_back(index);
    return index;
  }

  size_t arena(Value value) {
    value.weight = true;
    const int64_t offset = arena_used_;
    arena_used_ += static_cast<int64_t>(value.size());
    return add(std::move(value), {StorageKind::Arena, 0, offset});
  }

  // A step whose results the oracle computes with the same kernel alone on the whole batch.
  std::vector<size_t> step(const char* kernel, const Attrs& attrs, const std::vector<size_t>& inputs,
                           std::vector<Value> outputs, std::vector<Storage> storage) {
    std::vector<Value> operands;
    for (size_t index : inputs) operands.push_back(values_[index]);
    run(kernel, attrs, operands, outputs);
    std::vector<size_t> indices;
    for (size_t i = 0; i < outputs.size(); ++i) {
      indices.push_back(add(outputs[i], storage[i]));
      made_.insert(indices.back());
      if (storage[i].kind == StorageKind::Output) entry().outputs.push_back(indices.back());
    }
    entry().steps.push_back({kernel, inputs, indices, Attributes(attrs), kernel});
    return indices;
  }

  size_t temporary(const char* kernel, const Attrs& attrs, const std::vector<size_t>& inputs, Value output) {
    return step(kernel, attrs, inputs, {std::move(output)}, {{StorageKind::Temporary}})[0];
  }

  size_t output(const char* kernel, const Attrs& attrs, const std::vector<size_t>& inputs, Value output) {
    return step(kernel, attrs, inputs, {std::move(output)}, {{StorageKind::Output}})[0];
  }

  const Program& program() const { return program_; }
  const Value& value(size_t index) const { return values_[index]; }
  Value like(size_t index) const { return zeros(values_[index].dims); }

  // What an executor makes of the entry: its outputs, in so many steps, by these kernels.
  struct Run {
    std::vector<Value> outputs;
    size_t steps;
    KernelTimes kernels;
  };

  Run run_on(int threads) const {
    Executor executor(program_, {threads, true});
    for (size_t index = 0; index < values_.size(); ++index) {
      const Storage& storage = program_.tensors[index].storage;
      if (storage.kind != StorageKind::Arena || made_.count(index)) continue;
      const std::vector<char> bytes = stored(values_[index], plain(values_[index]));
      executor.write(0, storage.offset * sizeof(float), bytes.data(), bytes.size());
    }
    const EntryDescription& entry = executor.entries()[0];
    auto memory = executor.allocate_in_out(0);
    for (size_t i = 0; i < entry.inputs.size(); ++i) {
      const Value& value = values_[program_.entries[0].inputs[i]];
      const std::vector<char> bytes = stored(value, plain(value));
      std::memcpy(memory->host() + entry.inputs[i].offset, bytes.data(), bytes.size());
      memory->send(entry.inputs[i].offset, bytes.size());
    }
    std::atomic<bool> abort = false;
    executor.run(0, *memory, abort);
    std::vector<Value> results;
    for (size_t i = 0; i < entry.outputs.size(); ++i) {
      Value result = zeros(values_[program_.entries[0].outputs[i]].dims);
      const char* from = memory->host() + entry.outputs[i].offset;
      load({from, from + result.size() * sizeof(float)}, plain(result), result);
      results.push_back(std::move(result));
    }
    return {std::move(results), entry.steps, executor.times()};
  }

  void expect_as_alone(double tolerance, size_t most_steps) const {
    const auto [once, steps, kernels] = run_on(1);
    if (steps > most_steps) failed(steps, " steps, expected at most ", most_steps);
    for (size_t i = 0; i < once.size(); ++i) {
      expect_close(once[i], values_[program_.entries[0].outputs[i]], tolerance);
    }
    for (int threads : {2, 3}) {
      const std::vector<Value> again = run_on(threads).outputs;
      for (size_t i = 0; i < once.size(); ++i) expect_equal(again[i], once[i]);
    }
  }

 private:
  static TensorMeta plain(const Value& value) { return {value.dtype, value.dims, Layout::Plain}; }

  Entry& entry() { return program_.entries[0]; }

  size_t add(Value value, Storage storage) {
    program_.tensors.push_back({"t" + std::to_string(values_.size()), value.dtype, value.dims, storage});
    values_.push_back(std::move(value));
    return values_.size() - 1;
  }

  Program program_;
  std::vector<Value> values_;
  std::set<size_t> made_;  // by steps
  int64_t arena_used_ = 0;
};

struct Norm {
  size_t y, mean, inverse;
};

// x -> depthwise -> pointwise -> normalisation, rectified or not
struct Branch {
  size_t depthwise, pointwise, scale, bias;
  size_t after_depthwise, after_pointwise;
  Norm norm;
};

Branch branch(Build& b, size_t x, uint32_t seed, bool relu) {
  const int64_t channels = b.value(x).dims[1];
  const Dims vector{channels};
  Branch r{};
  r.depthwise = b.arena(random({channels, 1, 3, 3}, seed));
  r.pointwise = b.arena(random({channels, channels, 1, 1}, seed + 1, 0.3));
  r.scale = b.arena(random(vector, seed + 2));
  r.bias = b.arena(random(vector, seed + 3));
  const size_t mean = b.arena(zeros(vector)), variance = b.arena(zeros(vector));
  r.after_depthwise = b.temporary("conv", convolution_attrs(channels, 1), {x, r.depthwise}, b.like(x));
  r.after_pointwise = b.temporary("conv", convolution_attrs(1, 0), {r.after_depthwise, r.pointwise}, b.like(x));
  Attrs attrs{{"epsilon", 1e-5}, {"momentum", 0.1}};
  if (relu) attrs["epilogue"] = std::string("relu");
  const auto norm = b.step("batch_norm", attrs, {r.after_pointwise, r.scale, r.bias, mean, variance},
                           {b.like(x), zeros(vector), zeros(vector)},
                           {{StorageKind::Temporary}, {StorageKind::Temporary}, {StorageKind::Temporary}});
  r.norm = {norm[0], norm[1], norm[2]};
  return r;
}

// Of x -> branch, and of what the branch is added to, in either order.
void expect_gradients(bool branch_first) {
  Build b;
  const Dims shape{8, 21, 13, 9};
  const size_t images = b.input(random(shape, 1)), gradients = b.input(random(shape, 2));
  const auto relu = Attrs{{"function", std::string("relu")}};
  const size_t x = b.temporary("unary", relu, {images}, b.like(images));
  const size_t dy = b.temporary("unary", relu, {gradients}, b.like(images));
  const Branch r = branch(b, x, 3, true);
  const Attrs depthwise = convolution_attrs(21, 1), pointwise = convolution_attrs(1, 0);
  const Storage temporary{StorageKind::Temporary}, output{StorageKind::Output};
  const auto norm = b.step("batch_norm_backward", {{"epilogue", std::string("relu")}},
                           {r.after_pointwise, dy, r.scale, r.norm.mean, r.norm.inverse, r.bias},
                           {b.like(x), zeros({21}), zeros({21})}, {temporary, output, output});
  const size_t da = b.temporary("conv_backward_data", pointwise, {norm[0], r.pointwise}, b.like(x));
  Value weights = b.like(r.pointwise), filters = b.like(r.depthwise);
  weights.weight = filters.weight = true;
  b.output("conv_backward_weights", pointwise, {r.after_depthwise, norm[0]}, weights);
  const size_t dx = b.temporary("conv_backward_data", depthwise, {da, r.depthwise}, b.like(x));
  b.output("conv_backward_weights", depthwise, {x, da}, filters);
  b.output("sum", {}, branch_first ? std::vector<size_t>{dx, dy} : std::vector<size_t>{dy, dx}, b.like(x));
  // Sums of 8 x 117 products, of numbers up to 2 by numbers of that size.
  b.expect_as_alone(8 * 117 * std::numeric_limits<float>::epsilon(), 11);
}

// dx + dy, and what may keep the convolution that makes dx from starting from dy.
struct Joined {
  const char* what;
  bool depthwise = true, rectified = false, read_twice = false, three_terms = false, rewritten = false;
};

// Whether a sum is left to run.
bool sums(const Joined& j, bool gradient_first) {
  Build b;
  const Dims shape{2, 24, 9, 7};
  // What makes and reads images in blocks only.
  const Attrs pool{{"kernel", list({3, 3})}, {"strides", list({1, 1})}, {"padding", list({1, 1, 1, 1})}};
  const size_t a = b.input(random(shape, 1)), c = b.input(random(shape, 2));
  const size_t da = b.temporary("max_pool", pool, {a}, b.like(a)), dy = b.temporary("max_pool", pool, {c}, b.like(a));
  const int64_t groups = j.depthwise ? 24 : 1;
  const size_t w = b.arena(random({24, 24 / groups, 3, 3}, 3, 0.3));
  const size_t dx = b.temporary("conv_backward_data", convolution_attrs(groups, 1), {da, w}, b.like(a));
  if (j.rewritten) {
    // The filter's own gradient takes its place before the sum.
    Value filters = b.value(w);
    b.step("conv_backward_weights", convolution_attrs(groups, 1), {dy, da}, {filters}, {{StorageKind::Arena, 0, 0}});
  }
  std::vector<size_t> terms = gradient_first ? std::vector<size_t>{dx, dy} : std::vector<size_t>{dy, dx};
  if (j.three_terms) terms.push_back(da);
  const Attrs attrs = j.rectified ? Attrs{{"epilogue", std::string("relu")}} : Attrs{};
  b.output("max_pool", pool, {b.temporary("sum", attrs, terms, b.like(a))}, b.like(a));
  if (j.read_twice) b.output("max_pool", pool, {dx}, b.like(a));
  const Build::Run run = b.run_on(1);
  for (size_t i = 0; i < run.outputs.size(); ++i) {
    expect_close(run.outputs[i], b.value(b.program().entries[0].outputs[i]), 24 * 9 * 0x1p-22);
  }
  return std::any_of(run.kernels.begin(), run.kernels.end(),
                     [](const auto& it) { return it.first.find("sum") != std::string::npos; });
}

}  // namespace

TEST("branches, normalised and summed, are as on the whole batch") {
  if (!on_cpu()) return;
  for (int64_t batch : {4, 7, 8}) {
    for (bool relu : {false, true}) {
      Build b;
      const size_t images = b.input(random({batch, 21, 13, 9}, 1));
      const size_t x = b.temporary("unary", {{"function", std::string("relu")}}, {images}, b.like(images));
      const Branch first = branch(b, x, 2, relu), second = branch(b, x, 20, !relu);
      b.output("sum", {}, {first.norm.y, x, second.norm.y}, b.like(x));
      // Of 8 steps, reorders, and two for statistics.
      b.expect_as_alone(kTolerance, 8);
    }
  }
}

TEST("gradients that are sums over the batch are as on the whole batch") {
  if (!on_cpu()) return;
  for (bool branch_first : {true, false}) expect_gradients(branch_first);
}

TEST("a sum of two goes into the depthwise gradient that it reads, and into no other") {
  if (!on_cpu()) return;
  const Joined kept[] = {{.what = "a dense filter", .depthwise = false},
                         {.what = "a rectified sum", .rectified = true},
                         {.what = "a gradient read twice", .read_twice = true},
                         {.what = "three terms", .three_terms = true},
                         {.what = "a filter rewritten before the sum", .rewritten = true}};
  for (bool first : {true, false}) {
    if (sums({"fits"}, first)) failed("a sum of two is left");
    for (const Joined& j : kept) {
      if (!sums(j, first)) failed("no sum is left for ", j.what);
    }
  }
}

TEST("a step that has to wait for a sum over the batch gets all of it") {
  if (!on_cpu()) return;
  Build b;
  const Dims shape{6, 24, 8, 8};
  const size_t images = b.input(random(shape, 1)), gradients = b.input(random(shape, 2));
  const auto relu = Attrs{{"function", std::string("relu")}};
  const size_t x = b.temporary("unary", relu, {images}, b.like(images));
  const size_t dy = b.temporary("unary", relu, {gradients}, b.like(images));
  Value filters = zeros({24, 1, 3, 3});
  filters.weight = true;
  const Attrs attrs = convolution_attrs(24, 1);
  const size_t dw =
      b.step("conv_backward_weights", attrs, {x, dy}, {filters}, {{StorageKind::Arena, 0, 4096}})[0];
  // The gradient serves as a filter of the next convolution.
  b.output("conv", attrs, {x, dw}, b.like(x));
  // Sums of 6 x 64 products.
  b.expect_as_alone(6 * 64 * std::numeric_limits<float>::epsilon(), 8);
}

TEST("a chain overtakes a step that cannot join, and that step sees what it should") {
  if (!on_cpu()) return;
  Build b;
  const Dims shape{8, 32, 16, 16};
  const size_t images = b.input(random(shape, 1)), gradients = b.input(random(shape, 2));
  const auto relu = Attrs{{"function", std::string("relu")}};
  const size_t x = b.temporary("unary", relu, {images}, b.like(images));
  const size_t dy = b.temporary("unary", relu, {gradients}, b.like(images));
  const size_t w = b.arena(random({32, 32, 3, 3}, 3));
  Value filters = b.like(w);
  filters.weight = true;
  const Attrs attrs = convolution_attrs(1, 1);
  const size_t dx = b.temporary("conv_backward_data", attrs, {dy, w}, b.like(x));
  b.output("conv_backward_weights", attrs, {x, dy}, filters);
  b.output("sum", {}, {dx, dy}, b.like(x));
  // Three reorders, two rectifiers, the gradient of the filter, and one chain.
  b.expect_as_alone(2 * 8 * 256 * std::numeric_limits<float>::epsilon(), 7);
}
