// Which steps share a kernel: those that compute the same, whatever they are called.
#include "kernel_cache.h"

#include "harness.h"

using namespace halfspace;

namespace {

int made = 0;

template <class... Parts>
void expect(bool condition, const Parts&... parts) {
  check(condition, ErrorCode::Internal, parts...);
}

struct Idle : Kernel {
  void run(const Buffers&) override {}
};

std::unique_ptr<Kernel> make_idle(const StepMeta&) {
  ++made;
  return std::make_unique<Idle>();
}

const KernelEntry kIdle{"idle", make_idle};

StepMeta step(const char* label, Dims dims, double stride, Layout layout) {
  TensorMeta tensor{DType::F32, std::move(dims), layout};
  Attributes attrs({{"strides", std::vector<double>{stride}}});
  return {"idle", {tensor}, {tensor}, attrs, label};
}

}  // namespace

TEST("steps that differ in their label alone share a kernel") {
  made = 0;
  KernelCache cache;
  StepMeta first = step("first", {2, 16, 4, 4}, 1, Layout::Plain);
  StepMeta second = step("second", {2, 16, 4, 4}, 1, Layout::Plain);
  expect(&cache.find(first, kIdle) == &cache.find(second, kIdle), "two kernels for one computation");
  expect(made == 1, "made ", made, " kernels, expected 1");
}

TEST("steps of other shapes, layouts or attributes have kernels of their own") {
  made = 0;
  KernelCache cache;
  const std::vector<StepMeta> steps = {
      step("a", {2, 16, 4, 4}, 1, Layout::Plain), step("b", {2, 16, 4, 5}, 1, Layout::Plain),
      step("c", {2, 16, 4, 4}, 1, Layout::Blocked), step("d", {2, 16, 4, 4}, 2, Layout::Plain)};
  for (const StepMeta& each : steps) cache.find(each, kIdle);
  expect(made == 4, "made ", made, " kernels, expected 4");
}
