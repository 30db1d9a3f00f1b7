#include "tensor.h"

#include "error.h"

namespace halfspace {

const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::F32:
      return "f32";
    case DType::F64:
      return "f64";
    case DType::I32:
      return "i32";
    case DType::BF16:
      return "bf16";
  }
  return "unknown";
}

void Dims::check_rank(size_t rank) {
  check(rank <= kHighestRank, ErrorCode::Internal, "internal: rank ", rank, ", at most ", kHighestRank, " is possible");
}

int64_t TensorMeta::dim(size_t axis) const {
  if (axis >= dims.size()) fail(ErrorCode::Shape, text(), " has no axis ", axis);
  return dims[axis];
}

int64_t TensorMeta::elements() const {
  int64_t product = 1;
  for (int64_t size : dims) product *= size;
  return product;
}

int64_t TensorMeta::stored_elements() const {
  if (layout == Layout::Plain) return elements();
  return dim(0) * round_up(dim(1), block) * dim(2) * dim(3);
}

std::string TensorMeta::text() const {
  std::string result = std::string(name_of(dtype)) + "[";
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    if (axis > 0) result += ",";
    result += std::to_string(dims[axis]);
  }
  return result + (is_blocked() ? "] blocked" : "]");
}

bool same_shape(const TensorMeta& a, const TensorMeta& b) { return a.dims == b.dims; }

}  // namespace halfspace
