// Planning and running whole programs without Node: what validation refuses, that memory is shared
// only by tensors that are never needed together, and that layouts are changed where they must be.
#include "executor.h"
#include "harness.h"
#include "liveness.h"

using namespace halfspace;
using namespace halfspace::test;

namespace {

Storage arena(int64_t offset) { return {StorageKind::Arena, 0, offset}; }
constexpr Storage kInput{StorageKind::Input};
constexpr Storage kOutput{StorageKind::Output};
constexpr Storage kTemporary{StorageKind::Temporary};

halfspace::Tensor tensor(const char* name, Dims shape, Storage storage) {
  return {name, DType::F32, std::move(shape), storage};
}

Step unary(size_t input, size_t output, const char* function = "relu") {
  return {"unary", {input}, {output}, Attributes({{"function", std::string(function)}}), "unary"};
}

// x -> relu -> relu -> y, both images of 17 channels, the middle one in a layout of its own.
Program chain() {
  const Dims shape{2, 17, 3, 5};
  Step reshape{"reshape", {1}, {2}, {}, "reshape"};
  return {"cpu",
          {{"a", DType::F32, 100}},
          {tensor("x", {2, 255}, kInput), tensor("flat", {2, 255}, kTemporary),
           tensor("image", shape, kTemporary), tensor("y", shape, kOutput)},
          {{"run", {0}, {3}, {unary(0, 1), reshape, unary(2, 3)}}}};
}

void expect_invalid(const std::function<void(Program&)>& spoil) {
  Program program = chain();
  spoil(program);
  expect_refused([&] { validate(program); });
}

std::vector<float> run_once(Program program, const std::vector<float>& input) {
  Executor executor(std::move(program), {2, false});
  const EntryDescription& entry = executor.entries()[0];
  auto memory = executor.allocate_in_out(0);
  char* base = memory->host();
  std::memcpy(base + entry.inputs[0].offset, input.data(), input.size() * sizeof(float));
  std::atomic<bool> abort = false;
  memory->send(entry.inputs[0].offset, entry.inputs[0].meta.bytes());
  executor.run(0, *memory, abort);
  const auto* result = reinterpret_cast<float*>(base + entry.outputs[0].offset);
  return {result, result + entry.outputs[0].meta.elements()};
}

}  // namespace

TEST("a chain through a reshape keeps the row-major order of elements") {
  std::vector<float> input(510);
  for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i) - 100.0f;
  const std::vector<float> result = run_once(chain(), input);
  for (size_t i = 0; i < input.size(); ++i) {
    if (result[i] != std::max(input[i], 0.0f)) failed("element ", i, " is ", result[i]);
  }
}

TEST("a tensor has eight axes at most") {
  Dims most(8, 1);
  expect_refused([&] { most.push_back(1); });
  expect_refused([] { Dims(9, 1); });
  expect_refused([] { Dims(std::vector<int64_t>(9, 1)); });
}

TEST("layouts change only where they must") {
  Executor executor(chain(), {1, false});
  const EntryDescription& entry = executor.entries()[0];
  // relu, reshape into a blocked image, relu, and one reorder for the caller.
  if (entry.reorders != 1 || entry.steps != 4) failed("reorders: ", entry.reorders);
}

TEST("a reshape that moves nothing costs nothing") {
  Program program = chain();
  program.tensors[2].shape = {2, 255};
  program.tensors[3].shape = {2, 255};
  Executor executor(program, {1, false});
  const EntryDescription& entry = executor.entries()[0];
  if (entry.aliases != 1 || entry.steps != 2) failed("aliases: ", entry.aliases);
}

TEST("an abort is noticed before a step") {
  Executor executor(chain(), {1, false});
  auto memory = executor.allocate_in_out(0);
  std::atomic<bool> abort = true;
  expect_refused([&] { executor.run(0, *memory, abort); });
}

TEST("programs that would reach beyond their memory are refused") {
  expect_invalid([](Program& p) { p.tensors[1].storage = arena(0); });
  expect_invalid([](Program& p) { p.tensors[1] = tensor("w", {10, 10}, arena(1)); });
  expect_invalid([](Program& p) { p.tensors[1] = tensor("w", {10}, arena(-1)); });
  expect_invalid([](Program& p) { p.tensors[1] = tensor("w", {10}, {StorageKind::Arena, 1, 0}); });
  expect_invalid([](Program& p) { p.tensors[1].shape = {-1, 3}; });
  expect_invalid([](Program& p) { p.tensors[1].shape = {int64_t{1} << 40, int64_t{1} << 40}; });
  expect_invalid([](Program& p) { p.tensors[1].shape = {0, int64_t{1} << 40, int64_t{1} << 40}; });
  expect_invalid([](Program& p) { p.arenas[0].length = -1; });
  expect_invalid([](Program& p) { p.entries[0].steps[0].inputs[0] = 4; });
  expect_invalid([](Program& p) { p.entries[0].steps[0].outputs[0] = 4; });
  expect_invalid([](Program& p) { p.entries[0].inputs = {9}; });
}

TEST("programs that read what was never written, or write twice, are refused") {
  expect_invalid([](Program& p) { p.entries[0].inputs.clear(); });
  expect_invalid([](Program& p) { p.entries[0].steps.pop_back(); });
  expect_invalid([](Program& p) { p.entries[0].steps[0].outputs[0] = 0; });
  expect_invalid([](Program& p) { p.entries[0].steps.push_back(unary(0, 1)); });
  expect_invalid([](Program& p) { std::swap(p.entries[0].steps[0], p.entries[0].steps[1]); });
  expect_invalid([](Program& p) { p.entries.push_back(p.entries[0]); });
}

TEST("buffers that are needed together never overlap, and little memory is wasted") {
  std::mt19937 engine(1);
  const auto below = [&](size_t bound) { return engine() % bound; };
  struct Use {
    size_t bytes, first, last;
  };
  for (int round = 0; round < 50; ++round) {
    // Once as many as a large network has, and few at a time.
    const size_t count = round == 0 ? 2000 : 60, steps = round == 0 ? 1000 : 40;
    Liveness liveness(64);
    std::vector<Use> uses;
    for (size_t id = 0; id < count; ++id) {
      const size_t first = below(steps), last = first + below(8);
      uses.push_back({(1 + below(5000) + 63) / 64 * 64, first, last});
      liveness.touch(id, uses[id].bytes, last);
      liveness.touch(id, uses[id].bytes, first);
    }
    const auto offsets = liveness.place();
    size_t most = 0;
    for (size_t time = 0; time < steps + 8; ++time) {
      size_t alive = 0;
      for (const Use& use : uses) alive += use.first <= time && time <= use.last ? use.bytes : 0;
      most = std::max(most, alive);
    }
    for (size_t a = 0; a < uses.size(); ++a) {
      if (offsets.at(a) % 64 != 0) failed("buffer ", a, " is not aligned");
      for (size_t b = 0; b < a; ++b) {
        const bool together = uses[a].first <= uses[b].last && uses[b].first <= uses[a].last;
        const bool overlap = offsets.at(a) < offsets.at(b) + uses[b].bytes &&
                             offsets.at(b) < offsets.at(a) + uses[a].bytes;
        if (together && overlap) failed("buffers ", a, " and ", b, " overlap");
      }
    }
    // No plan can do with less than what is alive at once; a third more is what packing may cost.
    if (liveness.total_bytes() > most * 4 / 3) failed(liveness.total_bytes(), " for ", most);
  }
}
