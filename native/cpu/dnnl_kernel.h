// One oneDNN primitive as a kernel: memory objects are made once, a run only sets their addresses.
// Where the primitive wants another layout or type than ours, a reorder through scratch stands before or
// after it; so weights stay plain floats outside, whatever the primitive likes.
#pragma once

#include <string>
#include <vector>

#include "../device.h"
#include "dnnl_compat.h"

namespace halfspace::cpu {

// Which operand of the step a primitive's argument is, and how both sides describe its memory.
struct Binding {
  int argument;  // DNNL_ARG_...
  Operand operand;
  dnnl::memory::desc ours;
  dnnl::memory::desc theirs;
  // An input that is no image, so that it can be reordered before any run.
  bool whole = false;
};

class DnnlKernel : public Kernel {
 public:
  DnnlKernel(std::string where, const dnnl::primitive& primitive,
             const dnnl::memory::desc& scratchpad, const std::vector<Binding>& bindings);

  void run(const Buffers& buffers) override;
  size_t scratch_bytes() const override { return scratch_bytes_; }
  void prepare(const Buffers& buffers) override;
  size_t prepared_bytes() const override { return prepared_bytes_; }

 private:
  struct Argument {
    Operand operand;
    dnnl::memory ours;
    // Only where the two differ: a copy in scratch, and the reorder to or from it.
    bool moved = false;
    bool whole = false;
    dnnl::memory theirs;
    size_t offset = 0;  // in scratch, or in prepared memory where it is whole
    dnnl::reorder reorder;
  };

  void add(const Binding& binding);
  void bind(Argument& argument, const Buffers& buffers) const;
  static void move(Argument& argument, dnnl::memory& from, dnnl::memory& to);

  std::string where_;
  dnnl::primitive primitive_;
  std::vector<Argument> arguments_;
  dnnl::memory scratchpad_;
  size_t scratchpad_offset_ = 0;
  size_t scratch_bytes_ = 0;
  size_t prepared_bytes_ = 0;
  std::vector<dnnl_exec_arg_t> call_;
};

// Attributes that every primitive of ours starts from: scratch memory comes from us.
dnnl::primitive_attr primitive_attributes();
// The same with the activation that the step wants applied to its result, if any.
dnnl::primitive_attr epilogue_attributes(const StepMeta& step);

using ElementType = dnnl::memory::data_type;

// What a primitive reads of factors at a precision.
constexpr ElementType factor_type(Precision precision) {
  return precision == Precision::Bf16 ? ElementType::bf16 : ElementType::f32;
}

// The memory of a tensor as oneDNN describes it: plain row-major, nChw8c or nChw16c. Ours holds floats.
dnnl::memory::desc describe(const TensorMeta& meta, ElementType type = ElementType::f32);
// Row-major memory of any shape.
dnnl::memory::desc plain(const Dims& dims, ElementType type = ElementType::f32);
// A layout that the primitive may choose.
dnnl::memory::desc any(const Dims& dims, ElementType type = ElementType::f32);

// Whether oneDNN has only its plain loops for this, far from what the machine can do.
template <class PrimitiveDesc>
bool is_reference(const PrimitiveDesc& desc) {
  return std::string(desc.impl_info_str()).rfind("ref", 0) == 0;
}

}  // namespace halfspace::cpu
