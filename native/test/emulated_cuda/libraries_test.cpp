// The stand-ins of cuDNN and cuBLAS against plain loops in double, and what they refuse.
#include <cublas_v2.h>
#include <cudnn.h>

#include <cmath>
#include <cstdint>
#include <random>

#include "faults.h"

namespace halfspace::test {
namespace {

// Sums of up to 200 products of values below 2 in fp32.
constexpr double kTolerance = 2e-4;

void done(cudnnStatus_t status, const char* call) {
  if (status != CUDNN_STATUS_SUCCESS) failed(call, ": ", cudnnGetErrorString(status));
}
void done(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) failed(call, ": ", cublasGetStatusString(status));
}
#define DONE(call) done((call), #call)

std::vector<float> random(size_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(-2, 2);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(engine);
  return values;
}

void expect_near(const std::vector<float>& values, const std::vector<double>& expected,
                 double tolerance = kTolerance) {
  if (values.size() != expected.size()) failed("expected ", expected.size(), " values");
  for (size_t i = 0; i < values.size(); ++i) {
    if (!(std::abs(values[i] - expected[i]) <= tolerance)) {
      failed("value ", i, ": expected ", expected[i], ", got ", values[i]);
    }
  }
}

// A grouped, dilated, strided convolution; everything NHWC.
struct Convolution {
  int n = 2, h = 9, w = 8, c = 4, k = 6, r = 3, s = 2;
  int pad_h = 1, pad_w = 2, stride = 2, dilation = 2, groups = 2;
  cudnnMathType_t math = CUDNN_FMA_MATH;

  int p() const { return (h + 2 * pad_h - dilation * (r - 1) - 1) / stride + 1; }
  int q() const { return (w + 2 * pad_w - dilation * (s - 1) - 1) / stride + 1; }
  size_t x_count() const { return size_t(n) * h * w * c; }
  size_t w_count() const { return size_t(k) * r * s * (c / groups); }
  size_t y_count() const { return size_t(n) * p() * q() * k; }

  // Calls body(index of x, of w, of y) for every product.
  template <class Body>
  void for_each_product(Body body) const {
    int in = c / groups, out = k / groups;
    for (int image = 0; image < n; ++image)
      for (int oh = 0; oh < p(); ++oh)
        for (int ow = 0; ow < q(); ++ow)
          for (int filter = 0; filter < k; ++filter)
            for (int row = 0; row < r; ++row)
              for (int column = 0; column < s; ++column)
                for (int channel = 0; channel < in; ++channel) {
                  int ih = oh * stride - pad_h + row * dilation;
                  int iw = ow * stride - pad_w + column * dilation;
                  if (ih < 0 || ih >= h || iw < 0 || iw >= w) continue;
                  body(((image * h + ih) * w + iw) * c + filter / out * in + channel,
                       ((filter * r + row) * s + column) * in + channel,
                       ((image * p() + oh) * q() + ow) * k + filter);
                }
  }
};

struct Descriptors {
  cudnnHandle_t handle = nullptr;
  cudnnTensorDescriptor_t x = nullptr, y = nullptr;
  cudnnFilterDescriptor_t w = nullptr;
  cudnnConvolutionDescriptor_t convolution = nullptr;

  explicit Descriptors(const Convolution& c) {
    DONE(cudnnCreate(&handle));
    DONE(cudnnCreateTensorDescriptor(&x));
    DONE(cudnnCreateTensorDescriptor(&y));
    DONE(cudnnCreateFilterDescriptor(&w));
    DONE(cudnnCreateConvolutionDescriptor(&convolution));
    constexpr auto kNhwc = CUDNN_TENSOR_NHWC;
    constexpr auto kFloat = CUDNN_DATA_FLOAT;
    DONE(cudnnSetTensor4dDescriptor(x, kNhwc, kFloat, c.n, c.c, c.h, c.w));
    DONE(cudnnSetTensor4dDescriptor(y, kNhwc, kFloat, c.n, c.k, c.p(), c.q()));
    DONE(cudnnSetFilter4dDescriptor(w, kFloat, kNhwc, c.k, c.c / c.groups, c.r, c.s));
    DONE(cudnnSetConvolution2dDescriptor(convolution, c.pad_h, c.pad_w, c.stride, c.stride,
                                         c.dilation, c.dilation, CUDNN_CROSS_CORRELATION, kFloat));
    DONE(cudnnSetConvolutionGroupCount(convolution, c.groups));
    DONE(cudnnSetConvolutionMathType(convolution, c.math));
  }
  ~Descriptors() {
    cudnnDestroyConvolutionDescriptor(convolution);
    cudnnDestroyFilterDescriptor(w);
    cudnnDestroyTensorDescriptor(y);
    cudnnDestroyTensorDescriptor(x);
    cudnnDestroy(handle);
  }
};

constexpr float kOne = 1, kZero = 0;
constexpr auto kImplicit = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;

std::vector<double> expected_output(const Convolution& c, const std::vector<float>& x,
                                    const std::vector<float>& w) {
  std::vector<double> y(c.y_count(), 0);
  c.for_each_product(
      [&](size_t i, size_t j, size_t o) { y[o] += double(x[i]) * double(w[j]); });
  return y;
}

cudnnStatus_t forward(const Descriptors& d, const float* x, const float* w, float* y,
                      cudnnConvolutionFwdAlgo_t algorithm = kImplicit, void* workspace = nullptr,
                      size_t bytes = 0) {
  return cudnnConvolutionForward(d.handle, &kOne, d.x, x, d.w, w, d.convolution, algorithm,
                                 workspace, bytes, &kZero, d.y, y);
}

void expect_refusal(cudnnStatus_t status, cudnnStatus_t expected) {
  if (status == expected) return;
  failed("expected ", cudnnGetErrorString(expected), ", got ", cudnnGetErrorString(status));
}

}  // namespace

TEST("convolution forward is the sum of its products, with every algorithm found") {
  begin();
  Convolution c;
  Descriptors d(c);
  std::vector<float> x = random(c.x_count(), 1), w = random(c.w_count(), 2);
  cudnnConvolutionFwdAlgoPerf_t found[8];
  int count = 0;
  DONE(cudnnFindConvolutionForwardAlgorithm(d.handle, d.x, d.w, d.convolution, d.y, 8, &count,
                                            found));
  int tried = 0;
  for (int i = 0; i < count; ++i) {
    if (found[i].status != CUDNN_STATUS_SUCCESS) continue;
    ++tried;
    float *y = device_array(c.y_count()), *space = device_array(found[i].memory / 4);
    DONE(forward(d, uploaded(x), uploaded(w), y, found[i].algo, space, found[i].memory));
    expect_near(downloaded(y, c.y_count()), expected_output(c, x, w));
  }
  if (tried < 2) failed("expected a choice of algorithms, found ", tried);
}

TEST("gradients of convolution are the sums of their products") {
  begin();
  Convolution c;
  Descriptors d(c);
  std::vector<float> x = random(c.x_count(), 1), w = random(c.w_count(), 2);
  std::vector<float> dy = random(c.y_count(), 3);
  std::vector<double> dx_expected(c.x_count(), 0), dw_expected(c.w_count(), 0);
  c.for_each_product([&](size_t i, size_t j, size_t o) {
    dx_expected[i] += double(w[j]) * double(dy[o]);
    dw_expected[j] += double(x[i]) * double(dy[o]);
  });
  float *dx = device_array(c.x_count()), *dw = device_array(c.w_count());
  size_t bytes = 0;
  constexpr auto kData = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
  DONE(cudnnGetConvolutionBackwardDataWorkspaceSize(d.handle, d.w, d.y, d.convolution, d.x, kData,
                                                    &bytes));
  DONE(cudnnConvolutionBackwardData(d.handle, &kOne, d.w, uploaded(w), d.y, uploaded(dy),
                                    d.convolution, kData, device_array(bytes / 4), bytes, &kZero,
                                    d.x, dx));
  constexpr auto kFilter = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
  DONE(cudnnGetConvolutionBackwardFilterWorkspaceSize(d.handle, d.x, d.y, d.convolution, d.w,
                                                      kFilter, &bytes));
  DONE(cudnnConvolutionBackwardFilter(d.handle, &kOne, d.x, uploaded(x), d.y, uploaded(dy),
                                      d.convolution, kFilter, device_array(bytes / 4), bytes,
                                      &kZero, d.w, dw));
  expect_near(downloaded(dx, c.x_count()), dx_expected);
  expect_near(downloaded(dw, c.w_count()), dw_expected);
}

TEST("TF32 shows in the result, within its rounding") {
  begin();
  Convolution exact;
  Convolution rounded;
  rounded.math = CUDNN_DEFAULT_MATH;
  std::vector<float> x = random(exact.x_count(), 1), w = random(exact.w_count(), 2);
  float *y = device_array(exact.y_count()), *z = device_array(exact.y_count());
  DONE(forward(Descriptors(exact), uploaded(x), uploaded(w), y));
  DONE(forward(Descriptors(rounded), uploaded(x), uploaded(w), z));
  if (downloaded(y, exact.y_count()) == downloaded(z, exact.y_count())) failed("no rounding");
  // 12 products of at most 4, each off by two roundings of 2^-11.
  expect_near(downloaded(z, exact.y_count()), expected_output(exact, x, w), 12 * 4 * 2 / 2048.0);
}

TEST("an algorithm without a fixed order gives results that differ") {
  begin();
  Convolution c;
  c.n = 16;
  Descriptors d(c);
  float *x = uploaded(random(c.x_count(), 1)), *dy = uploaded(random(c.y_count(), 3));
  std::vector<std::vector<float>> results;
  for (int i = 0; i < 8; ++i) {
    float* dw = device_array(c.w_count());
    DONE(cudnnConvolutionBackwardFilter(d.handle, &kOne, d.x, x, d.y, dy, d.convolution,
                                        CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, nullptr, 0, &kZero,
                                        d.w, dw));
    results.push_back(downloaded(dw, c.w_count()));
  }
  for (const auto& result : results) {
    if (result != results.front()) return;
  }
  failed("all results are the same");
}

TEST("convolutions that do not fit are refused") {
  begin();
  Convolution c;
  Descriptors d(c);
  float *x = zeroed_array(c.x_count()), *w = zeroed_array(c.w_count());
  float* y = device_array(c.y_count());
  constexpr auto kGemm = CUDNN_CONVOLUTION_FWD_ALGO_GEMM;
  size_t bytes = 0;
  DONE(cudnnGetConvolutionForwardWorkspaceSize(d.handle, d.x, d.w, d.convolution, d.y, kGemm,
                                               &bytes));
  expect_refusal(forward(d, x, w, y, kGemm, device_array(bytes / 4), bytes - 1),
                 CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
  expect_refusal(forward(d, x, w, y, CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD),
                 CUDNN_STATUS_NOT_SUPPORTED);
  DONE(cudnnSetTensor4dDescriptor(d.y, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, c.n, c.k, c.p() + 1,
                                  c.q()));
  expect_refusal(forward(d, x, w, y), CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
}

TEST("a workspace that is shorter than promised is found") {
  begin();
  Convolution c;
  Descriptors d(c);
  constexpr auto kGemm = CUDNN_CONVOLUTION_FWD_ALGO_GEMM;
  size_t bytes = 0;
  DONE(cudnnGetConvolutionForwardWorkspaceSize(d.handle, d.x, d.w, d.convolution, d.y, kGemm,
                                               &bytes));
  DONE(forward(d, zeroed_array(c.x_count()), zeroed_array(c.w_count()), device_array(c.y_count()),
               kGemm, device_array(bytes / 4 - 1), bytes));
  expect_finding({"cudnnConvolutionForward: workspace", "out of bounds"});
}

TEST("operands that were never written, and results over operands, are found") {
  begin();
  Convolution c;
  Descriptors d(c);
  float* w = zeroed_array(c.w_count());
  DONE(forward(d, device_array(c.x_count()), w, device_array(c.y_count())));
  expect_finding({"cudnnConvolutionForward: x reads", "never written"});
  begin();
  Descriptors again(c);
  float* x = zeroed_array(c.x_count());
  DONE(forward(again, x, zeroed_array(c.w_count()), x + 4));
  expect_finding({"overlaps"});
}

TEST("products of matrices, transposed and in batches, are the sums of theirs") {
  constexpr int kM = 5, kN = 4, kK = 7, kBatch = 2;
  for (cublasOperation_t op_a : {CUBLAS_OP_N, CUBLAS_OP_T}) {
    for (cublasOperation_t op_b : {CUBLAS_OP_N, CUBLAS_OP_T}) {
      begin();
      cublasHandle_t handle = nullptr;
      DONE(cublasCreate(&handle));
      std::vector<float> a = random(kM * kK * kBatch, 1), b = random(kK * kN * kBatch, 2);
      std::vector<float> before = random(kM * kN * kBatch, 3);
      float* c = uploaded(before);
      const float alpha = 2, beta = 3;
      int lda = op_a == CUBLAS_OP_N ? kM : kK, ldb = op_b == CUBLAS_OP_N ? kK : kN;
      DONE(cublasGemmStridedBatchedEx(handle, op_a, op_b, kM, kN, kK, &alpha, uploaded(a),
                                      CUDA_R_32F, lda, kM * kK, uploaded(b), CUDA_R_32F, ldb,
                                      kK * kN, &beta, c, CUDA_R_32F, kM, kM * kN, kBatch,
                                      CUBLAS_COMPUTE_32F_PEDANTIC, CUBLAS_GEMM_DEFAULT));
      std::vector<double> expected(before.begin(), before.end());
      for (int batch = 0; batch < kBatch; ++batch)
        for (int column = 0; column < kN; ++column)
          for (int row = 0; row < kM; ++row) {
            double sum = 0;
            for (int k = 0; k < kK; ++k) {
              double left = a[batch * kM * kK + (op_a == CUBLAS_OP_N ? k * kM + row : row * kK + k)];
              double right =
                  b[batch * kK * kN + (op_b == CUBLAS_OP_N ? column * kK + k : k * kN + column)];
              sum += left * right;
            }
            double& result = expected[(batch * kN + column) * kM + row];
            result = alpha * sum + beta * result;
          }
      expect_near(downloaded(c, expected.size()), expected);
      DONE(cublasDestroy(handle));
    }
  }
}

TEST("products of bf16 round what they store alone") {
  begin();
  cublasHandle_t handle = nullptr;
  DONE(cublasCreate(&handle));
  // 1.5, 2 and -3 in bf16.
  const std::vector<uint16_t> values{0x3fc0, 0x4000, 0xc040};
  void* a = device_array<uint16_t>(3);
  SUCCEED(cudaMemcpy(a, values.data(), 6, cudaMemcpyHostToDevice));
  float* c = device_array(1);
  DONE(cublasGemmStridedBatchedEx(handle, CUBLAS_OP_T, CUBLAS_OP_N, 1, 1, 3, &kOne, a, CUDA_R_16BF,
                                  3, 0, a, CUDA_R_16BF, 3, 0, &kZero, c, CUDA_R_32F, 1, 0, 1,
                                  CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
  expect_values(downloaded(c, 1), {1.5f * 1.5f + 4 + 9});
  DONE(cublasDestroy(handle));
}

TEST("products of floats round their operands as the type of computation says") {
  struct Rounded {
    cublasComputeType_t compute;
    float value;
  };
  // A little more than half way between two numbers of bf16, and next to one of TF32.
  constexpr float kValue = 1 + 0x1p-8f + 0x1p-20f;
  const Rounded all[] = {{CUBLAS_COMPUTE_32F_PEDANTIC, kValue},
                         {CUBLAS_COMPUTE_32F_FAST_TF32, 1 + 0x1p-8f},
                         {CUBLAS_COMPUTE_32F_FAST_16BF, 1 + 0x1p-7f}};
  for (const Rounded& each : all) {
    begin();
    cublasHandle_t handle = nullptr;
    DONE(cublasCreate(&handle));
    float *a = uploaded({kValue}), *b = uploaded({1.0f}), *c = device_array(1);
    DONE(cublasGemmStridedBatchedEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &kOne, a, CUDA_R_32F,
                                    1, 0, b, CUDA_R_32F, 1, 0, &kZero, c, CUDA_R_32F, 1, 0, 1,
                                    each.compute, CUBLAS_GEMM_DEFAULT));
    expect_values(downloaded(c, 1), {each.value});
    DONE(cublasDestroy(handle));
  }
}

TEST("a matrix that reaches beyond its memory is found") {
  begin();
  cublasHandle_t handle = nullptr;
  DONE(cublasCreate(&handle));
  DONE(cublasGemmStridedBatchedEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &kOne,
                                  zeroed_array(15), CUDA_R_32F, 4, 0, zeroed_array(16), CUDA_R_32F,
                                  4, 0, &kZero, device_array(16), CUDA_R_32F, 4, 0, 1,
                                  CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
  expect_finding({"cublasGemm: A reads", "out of bounds"});
  DONE(cublasDestroy(handle));
}

}  // namespace halfspace::test
