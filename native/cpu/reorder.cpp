// Moving tensors between layouts (`reorder`) and between shapes (`reshape`). A reshape keeps the
// row-major order of elements, which between blocked images means a way through plain memory.
#include <algorithm>
#include <cstring>

#include "dnnl_kernel.h"
#include "kernels.h"

namespace halfspace::cpu {
namespace {

std::unique_ptr<Kernel> make_move(const StepMeta& step, const dnnl::memory::desc& from,
                                  const dnnl::memory::desc& to) {
  return checked(step.describe(), [&]() -> std::unique_ptr<Kernel> {
    dnnl::reorder::primitive_desc desc(engine(), from, engine(), to, primitive_attributes());
    return std::make_unique<DnnlKernel>(
        step.describe(), dnnl::reorder(desc), desc.scratchpad_desc(),
        std::vector<Binding>{{DNNL_ARG_FROM, {false, 0}, from, from},
                             {DNNL_ARG_TO, {true, 0}, to, to}});
  });
}

class Copy final : public Kernel {
 public:
  explicit Copy(size_t bytes) : bytes_(bytes) {}
  void run(const Buffers& buffers) override {
    std::memcpy(buffers.outputs[0], buffers.inputs[0], bytes_);
  }

 private:
  size_t bytes_;
};

// Blocked to plain in scratch, and on to blocked in the new shape.
class ReshapeBlocked final : public Kernel {
 public:
  ReshapeBlocked(std::unique_ptr<Kernel> first, std::unique_ptr<Kernel> second, size_t bytes)
      : first_(std::move(first)), second_(std::move(second)), bytes_(align_up(bytes)) {}

  size_t scratch_bytes() const override {
    return bytes_ + std::max(first_->scratch_bytes(), second_->scratch_bytes());
  }

  void run(const Buffers& buffers) override {
    void* middle = buffers.scratch;
    void* rest = static_cast<char*>(middle) + bytes_;
    const void* source = middle;
    first_->run({buffers.inputs, {&middle, 1}, rest});
    second_->run({{&source, 1}, buffers.outputs, rest});
  }

 private:
  std::unique_ptr<Kernel> first_;
  std::unique_ptr<Kernel> second_;
  size_t bytes_;
};

void check_reshape(const StepMeta& step) {
  step.expect_arity(1, 1, 1, 1);
  const TensorMeta& from = step.inputs[0];
  const TensorMeta& to = step.outputs[0];
  step.expect(from.dtype == to.dtype, "the type must stay the same");
  step.expect(from.elements() == to.elements(), from.elements(), " elements do not become ",
              to.elements());
}

TensorMeta as_plain(TensorMeta meta) {
  meta.layout = Layout::Plain;
  meta.block = 0;
  return meta;
}

// Blocked memory with one pixel and whole blocks is row-major at the same time.
bool is_row_major(const TensorMeta& meta) {
  if (!meta.is_blocked()) return true;
  return meta.dim(1) % meta.block == 0 && meta.dim(2) == 1 && meta.dim(3) == 1;
}

}  // namespace

std::unique_ptr<Kernel> make_reorder(const StepMeta& step) {
  check_reshape(step);
  step.expect(step.inputs[0].dims == step.outputs[0].dims, "the shape must stay the same");
  return make_reshape(step);
}

std::unique_ptr<Kernel> make_reshape(const StepMeta& step) {
  check_reshape(step);
  const TensorMeta& from = step.inputs[0];
  const TensorMeta& to = step.outputs[0];
  bool same = from.dims == to.dims && from.layout == to.layout;
  if (same || (is_row_major(from) && is_row_major(to))) return std::make_unique<Copy>(to.bytes());
  if (from.dims == to.dims) return make_move(step, describe(from), describe(to));
  if (!to.is_blocked()) return make_move(step, describe(from), describe(as_plain(from)));
  if (!from.is_blocked()) return make_move(step, describe(as_plain(to)), describe(to));
  return std::make_unique<ReshapeBlocked>(make_move(step, describe(from), describe(as_plain(from))),
                                          make_move(step, describe(as_plain(to)), describe(to)),
                                          as_plain(from).bytes());
}

bool reshape_is_alias(const StepMeta& step) {
  const TensorMeta& from = step.inputs[0];
  const TensorMeta& to = step.outputs[0];
  bool same = from.dims == to.dims && from.layout == to.layout;
  return from.elements() == to.elements() && from.dtype == to.dtype &&
         (same || (is_row_major(from) && is_row_major(to)));
}

}  // namespace halfspace::cpu
