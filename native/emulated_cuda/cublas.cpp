// cuBLAS: products of column-major matrices by plain loops.
#include <cublas_v2.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "device.h"
#include "element.h"
#include "failure.h"
#include "memory.h"
#include "operand.h"
#include "options.h"
#include "stream.h"

struct cublasContext {
  int device;
  cudaStream_t stream = nullptr;
  void* workspace = nullptr;
  size_t workspace_bytes = 0;
};

namespace halfspace::emulated {
namespace {

struct CublasFailure {
  cublasStatus_t status;
};

void require_cublas(bool condition, cublasStatus_t status = CUBLAS_STATUS_INVALID_VALUE) {
  if (!condition) throw CublasFailure{status};
}

template <class Body>
cublasStatus_t cublas_call(Body body) {
  const std::lock_guard<std::recursive_mutex> inside(gate());
  try {
    if (finding_code() != cudaSuccess) return CUBLAS_STATUS_EXECUTION_FAILED;
    body();
    return CUBLAS_STATUS_SUCCESS;
  } catch (const CublasFailure& failure) {
    return failure.status;
  } catch (const Failure&) {
    return CUBLAS_STATUS_EXECUTION_FAILED;
  }
}

// A matrix as it is stored: `rows` of every column, columns `leading` apart.
struct Matrix {
  const void* data;
  Element type;
  int rows;
  int columns;
  int leading;
  long long stride;
  const char* name;

  const void* of_batch(int batch) const {
    return static_cast<const std::byte*>(data) + batch * stride * element_bytes(type);
  }
};

using Rounding = float (*)(float);

struct Product {
  const char* name;
  int m, n, k;
  cublasOperation_t op_a, op_b;
  Matrix a, b, c;
  Scaling scaling;
  // What becomes of an operand of floats before it is multiplied.
  Rounding round;
  int batch;
};

void check_matrix(const Matrix& matrix) {
  require_cublas(matrix.data != nullptr && matrix.rows >= 0 && matrix.columns >= 0);
  require_cublas(matrix.leading >= std::max(1, matrix.rows));
}

// The columns of one matrix; between them may lie what is not its own.
void touch_columns(const Product& product, const Matrix& matrix, int batch, Access access) {
  for (int column = 0; column < matrix.columns; ++column) {
    const auto* start = static_cast<const std::byte*>(matrix.of_batch(batch)) +
                        size_t(column) * matrix.leading * element_bytes(matrix.type);
    touch_range(access, start, matrix.rows * element_bytes(matrix.type),
                text_of(product.name, ": ", matrix.name));
  }
}

void touch_product(const Product& product, int batch) {
  touch_columns(product, product.a, batch, Access::Read);
  touch_columns(product, product.b, batch, Access::Read);
  if (product.scaling.beta != 0) touch_columns(product, product.c, batch, Access::Read);
  touch_columns(product, product.c, batch, Access::Write);
}

// The factor with its sum index innermost: rows of op(A), columns of op(B).
std::vector<float> packed(const Matrix& matrix, bool sum_index_is_row, int batch, Rounding round) {
  size_t sums = sum_index_is_row ? matrix.rows : matrix.columns;
  size_t others = sum_index_is_row ? matrix.columns : matrix.rows;
  std::vector<float> values(sums * others);
  for (size_t other = 0; other < others; ++other) {
    for (size_t sum = 0; sum < sums; ++sum) {
      size_t row = sum_index_is_row ? sum : other, column = sum_index_is_row ? other : sum;
      float value =
          load_element(matrix.of_batch(batch), column * matrix.leading + row, matrix.type);
      values[other * sums + sum] = round(value);
    }
  }
  return values;
}

float dot(const float* a, const float* b, int count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

void multiply(const Product& p, int batch) {
  std::vector<float> a = packed(p.a, p.op_a != CUBLAS_OP_N, batch, p.round);
  std::vector<float> b = packed(p.b, p.op_b == CUBLAS_OP_N, batch, p.round);
  void* c = const_cast<void*>(p.c.of_batch(batch));
#pragma omp parallel for
  for (int column = 0; column < p.n; ++column) {
    for (int row = 0; row < p.m; ++row) {
      size_t index = size_t(column) * p.c.leading + row;
      float sum = dot(&a[size_t(row) * p.k], &b[size_t(column) * p.k], p.k);
      float before = p.scaling.beta == 0 ? 0 : load_element(c, index, p.c.type);
      store_element(c, index, p.c.type, p.scaling(sum, before));
    }
  }
}

// Leaves there what partial results of a sum in four parts would.
void use_up(void* workspace, size_t bytes, const Product& product) {
  constexpr size_t kParts = 4;
  constexpr int kNotANumber = 0xff;
  size_t results = size_t(product.m) * product.n * product.batch * sizeof(float);
  size_t used = std::min(bytes, kParts * results);
  if (used == 0) return;
  touch_range(Access::Write, workspace, used, text_of(product.name, ": workspace"));
  std::memset(workspace, kNotANumber, used);
}

// Where a stream captures, the library's own memory will not do.
void enqueue_product(cublasHandle_t handle, const Product& product) {
  require_cublas(handle != nullptr, CUBLAS_STATUS_NOT_INITIALIZED);
  require_cublas(product.m >= 0 && product.n >= 0 && product.k >= 0 && product.batch >= 0);
  for (const Matrix& matrix : {product.a, product.b, product.c}) check_matrix(matrix);
  CUstream_st& stream = stream_of(handle->stream);
  require_cublas(!stream.capture || handle->workspace, CUBLAS_STATUS_NOT_SUPPORTED);
  enqueue(stream, {.name = product.name,
                   .run = [product, space = handle->workspace, bytes = handle->workspace_bytes] {
                     use_up(space, bytes, product);
                     for (int batch = 0; batch < product.batch; ++batch) {
                       touch_product(product, batch);
                       multiply(product, batch);
                     }
                   }});
}

Matrix factor(const void* data, Element type, cublasOperation_t op, int rows, int columns,
              int leading, long long stride, const char* name) {
  bool as_is = op == CUBLAS_OP_N;
  return {data, type, as_is ? rows : columns, as_is ? columns : rows, leading, stride, name};
}

Scaling scaling_of(const void* alpha, const void* beta) {
  require_cublas(alpha && beta);
  return {*static_cast<const float*>(alpha), *static_cast<const float*>(beta)};
}

Element element_of(cudaDataType type) {
  require_cublas(type == CUDA_R_32F || type == CUDA_R_16BF, CUBLAS_STATUS_NOT_SUPPORTED);
  return type == CUDA_R_32F ? Element::F32 : Element::BF16;
}

Rounding rounding_of(cublasComputeType_t compute) {
  switch (compute) {
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      return [](float value) { return value; };
    case CUBLAS_COMPUTE_32F_FAST_TF32:
      return tf32_of_float;
    case CUBLAS_COMPUTE_32F_FAST_16BF:
      return [](float value) { return float_of_bf16(bf16_of_float(value)); };
  }
  throw CublasFailure{CUBLAS_STATUS_NOT_SUPPORTED};
}

}  // namespace
}  // namespace halfspace::emulated

using namespace halfspace::emulated;

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return finding_code() == cudaSuccess ? "CUBLAS_STATUS_EXECUTION_FAILED"
                                           : cudaGetErrorString(finding_code());
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
  return "unknown cuBLAS status";
}

cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  return cublas_call([&] {
    require_cublas(handle != nullptr);
    require_device(current_device());
    require_cublas(options().memory_bytes > 0, CUBLAS_STATUS_ALLOC_FAILED);
    *handle = new cublasContext{current_device()};
  });
}

// Destroying works after a finding too, so that owners can let go.
cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetVersion(cublasHandle_t, int* version) {
  return cublas_call([&] {
    require_cublas(version != nullptr);
    *version = 130101;
  });
}

// As the real one does, this takes back the workspace that was set.
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  return cublas_call([&] {
    require_cublas(handle != nullptr, CUBLAS_STATUS_NOT_INITIALIZED);
    require_cublas(stream_of(stream).device == handle->device);
    handle->stream = stream;
    handle->workspace = nullptr;
    handle->workspace_bytes = 0;
  });
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t handle, void* workspace, size_t bytes) {
  return cublas_call([&] {
    require_cublas(handle != nullptr, CUBLAS_STATUS_NOT_INITIALIZED);
    constexpr uintptr_t kWorkspaceAlignment = 256;
    require_cublas(reinterpret_cast<uintptr_t>(workspace) % kWorkspaceAlignment == 0);
    require_cublas(bytes == 0 || is_allocated(workspace, bytes));
    handle->workspace = workspace;
    handle->workspace_bytes = bytes;
  });
}

cublasStatus_t cublasGemmStridedBatchedEx(
    cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
    const void* alpha, const void* a, cudaDataType type_a, int lda, long long int stride_a,
    const void* b, cudaDataType type_b, int ldb, long long int stride_b, const void* beta, void* c,
    cudaDataType type_c, int ldc, long long int stride_c, int batch, cublasComputeType_t compute,
    cublasGemmAlgo_t) {
  return cublas_call([&] {
    require_cublas(type_a == type_b, CUBLAS_STATUS_NOT_SUPPORTED);
    enqueue_product(handle,
                    {.name = "cublasGemm",
                     .m = m,
                     .n = n,
                     .k = k,
                     .op_a = op_a,
                     .op_b = op_b,
                     .a = factor(a, element_of(type_a), op_a, m, k, lda, stride_a, "A"),
                     .b = factor(b, element_of(type_b), op_b, k, n, ldb, stride_b, "B"),
                     .c = factor(c, element_of(type_c), CUBLAS_OP_N, m, n, ldc, stride_c, "C"),
                     .scaling = scaling_of(alpha, beta),
                     .round = rounding_of(compute),
                     .batch = batch});
  });
}
