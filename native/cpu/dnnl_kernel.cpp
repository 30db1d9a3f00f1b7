#include "dnnl_kernel.h"

#include "../semantics/strided.h"

namespace halfspace::cpu {
namespace {

// A memory object that gets its address in every run.
dnnl::memory unbound(const dnnl::memory::desc& desc) {
  return dnnl::memory(desc, engine(), DNNL_MEMORY_NONE);
}

dnnl::memory::dims listed(const Dims& dims) { return {dims.begin(), dims.end()}; }

// Where `bytes` more begin in memory of which `used` are.
size_t reserved(size_t& used, size_t bytes) {
  const size_t offset = used;
  used += align_up(bytes);
  return offset;
}

}  // namespace

DnnlKernel::DnnlKernel(std::string where, const dnnl::primitive& primitive,
                       const dnnl::memory::desc& scratchpad, const std::vector<Binding>& bindings)
    : where_(std::move(where)), primitive_(primitive), scratchpad_(unbound(scratchpad)) {
  checked(where_, [&] {
    for (const Binding& binding : bindings) add(binding);
  });
  scratchpad_offset_ = reserved(scratch_bytes_, scratchpad.get_size());
  call_.push_back({DNNL_ARG_SCRATCHPAD, scratchpad_.get()});
}

void DnnlKernel::add(const Binding& binding) {
  Argument argument;
  argument.operand = binding.operand;
  argument.ours = unbound(binding.ours);
  argument.moved = binding.ours != binding.theirs;
  argument.whole = argument.moved && binding.whole;
  if (argument.moved) {
    argument.theirs = unbound(binding.theirs);
    argument.offset = reserved(argument.whole ? prepared_bytes_ : scratch_bytes_, binding.theirs.get_size());
    const auto& from = binding.operand.output ? binding.theirs : binding.ours;
    const auto& to = binding.operand.output ? binding.ours : binding.theirs;
    argument.reorder = dnnl::reorder({engine(), from, engine(), to});
  }
  call_.push_back({binding.argument, (argument.moved ? argument.theirs : argument.ours).get()});
  arguments_.push_back(std::move(argument));
}

// Both sides of an argument get their addresses. oneDNN takes no pointer to const; it does not write its
// sources.
void DnnlKernel::bind(Argument& argument, const Buffers& buffers) const {
  const size_t index = argument.operand.index;
  argument.ours.set_data_handle(argument.operand.output ? buffers.outputs[index]
                                                        : const_cast<void*>(buffers.inputs[index]));
  if (!argument.moved) return;
  auto* memory = static_cast<char*>(argument.whole ? buffers.prepared : buffers.scratch);
  argument.theirs.set_data_handle(memory + argument.offset);
}

void DnnlKernel::move(Argument& argument, dnnl::memory& from, dnnl::memory& to) {
  argument.reorder.execute(stream(), from, to);
}

void DnnlKernel::prepare(const Buffers& buffers) {
  if (prepared_bytes_ == 0) return;
  checked(where_, [&] {
    for (Argument& argument : arguments_) {
      if (!argument.whole) continue;
      bind(argument, buffers);
      move(argument, argument.ours, argument.theirs);
    }
  });
}

void DnnlKernel::run(const Buffers& buffers) {
  checked(where_, [&] {
    scratchpad_.set_data_handle(static_cast<char*>(buffers.scratch) + scratchpad_offset_);
    for (Argument& argument : arguments_) {
      bind(argument, buffers);
      if (argument.moved && !argument.whole && !argument.operand.output) {
        move(argument, argument.ours, argument.theirs);
      }
    }
    // The arguments in an array made once: the interface of C++ would copy them into one at every call.
    dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive_.get(), stream().get(),
                                                   static_cast<int>(call_.size()), call_.data()),
                            "could not execute a primitive");
    for (Argument& argument : arguments_) {
      if (argument.moved && argument.operand.output) {
        move(argument, argument.theirs, argument.ours);
      }
    }
  });
}

dnnl::primitive_attr primitive_attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

dnnl::primitive_attr epilogue_attributes(const StepMeta& step) {
  dnnl::primitive_attr attr = primitive_attributes();
  if (!step.attrs.has("epilogue")) return attr;
  step.expect(step.attrs.text("epilogue") == "relu", "the only epilogue is relu");
  dnnl::post_ops post_ops;
  append_relu(post_ops);
  attr.set_post_ops(post_ops);
  return attr;
}

dnnl::memory::desc describe(const TensorMeta& meta, ElementType type) {
  if (!meta.is_blocked()) return plain(meta.dims, type);
  using tag = dnnl::memory::format_tag;
  return {listed(meta.dims), type, meta.block == 8 ? tag::nChw8c : tag::nChw16c};
}

dnnl::memory::desc plain(const Dims& dims, ElementType type) {
  return {listed(dims), type, listed(dense_strides(dims))};
}

dnnl::memory::desc any(const Dims& dims, ElementType type) {
  return {listed(dims), type, dnnl::memory::format_tag::any};
}

}  // namespace halfspace::cpu
