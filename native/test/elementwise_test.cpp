// Activations and sums against the functions of the C library in double.
#include <omp.h>

#include "harness.h"

using namespace halfspace;
using namespace halfspace::test;

namespace {

struct Function {
  const char* name;
  Attrs parameters;
  double (*value)(double);
  double (*slope)(double);
};

double logistic(double x) { return 1 / (1 + std::exp(-x)); }
double normal(double x) { return 0.5 * (1 + std::erf(x / std::sqrt(2.0))); }
double density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }
double bent(double x) { return std::sqrt(8 / M_PI) * (x + 0.044715 * x * x * x); }
double cut(double x, double low, double high) { return std::min(std::max(x, low), high); }
double inside(double x, double low, double high) { return x > low && x < high ? 1 : 0; }

const std::vector<Function> kFunctions = {
    {"identity", {}, [](double x) { return x; }, [](double) { return 1.0; }},
    {"relu", {}, [](double x) { return x > 0 ? x : 0; }, [](double x) { return x > 0 ? 1.0 : 0; }},
    {"leaky_relu",
     {{"alpha", 0.25}},
     [](double x) { return x > 0 ? x : 0.25 * x; },
     [](double x) { return x > 0 ? 1 : 0.25; }},
    {"abs",
     {},
     [](double x) { return std::abs(x); },
     [](double x) { return x > 0 ? 1.0 : (x < 0 ? -1 : 0); }},
    {"elu",
     {{"alpha", 1.5}, {"gamma", 1.25}, {"rate", 0.5}},
     [](double x) { return 1.25 * (x > 0 ? x : 1.5 * std::expm1(x / 2)); },
     [](double x) { return 1.25 * (x > 0 ? 1 : 0.75 * std::exp(x / 2)); }},
    {"softplus",
     {},
     [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); },
     logistic},
    {"softsign",
     {},
     [](double x) { return x / (1 + std::abs(x)); },
     [](double x) { return 1 / ((1 + std::abs(x)) * (1 + std::abs(x))); }},
    {"mish",
     {},
     [](double x) { return x * std::tanh(std::log1p(std::exp(x))); },
     [](double x) {
       const double t = std::tanh(std::log1p(std::exp(x)));
       return t + x * (1 - t * t) * logistic(x);
     }},
    {"gelu_tanh",
     {},
     [](double x) { return x * logistic(bent(x)); },
     [](double x) {
       const double s = logistic(bent(x));
       return s + x * s * (1 - s) * std::sqrt(8 / M_PI) * (1 + 3 * 0.044715 * x * x);
     }},
    {"sigmoid", {}, logistic, [](double x) { return logistic(x) * (1 - logistic(x)); }},
    {"tanh",
     {},
     [](double x) { return std::tanh(x); },
     [](double x) { return 1 - std::tanh(x) * std::tanh(x); }},
    {"exp", {}, [](double x) { return std::exp(x); }, [](double x) { return std::exp(x); }},
    {"erf",
     {},
     [](double x) { return std::erf(x); },
     [](double x) { return 2 / std::sqrt(M_PI) * std::exp(-x * x); }},
    {"affine",
     {{"alpha", -2.0}, {"beta", 0.5}},
     [](double x) { return 0.5 - 2 * x; },
     [](double) { return -2.0; }},
    {"power", {{"exponent", 2.0}}, [](double x) { return x * x; }, [](double x) { return 2 * x; }},
    {"silu",
     {},
     [](double x) { return x * logistic(x); },
     [](double x) { return logistic(x) * (1 + x * (1 - logistic(x))); }},
    {"gelu",
     {},
     [](double x) { return x * normal(x); },
     [](double x) { return normal(x) + x * density(x); }},
    {"hard_sigmoid",
     {{"alpha", 0.25}, {"beta", 0.5}},
     [](double x) { return cut(0.25 * x + 0.5, 0, 1); },
     [](double x) { return 0.25 * inside(x, -2, 2); }},
    {"hard_swish",
     {},
     [](double x) { return x * cut(x / 6 + 0.5, 0, 1); },
     [](double x) { return x <= -3 ? 0 : (x >= 3 ? 1 : x / 3 + 0.5); }},
    {"relu6", {}, [](double x) { return cut(x, 0, 6); }, [](double x) { return inside(x, 0, 6); }},
    {"clip",
     {{"min", -1.5}, {"max", 2.5}},
     [](double x) { return cut(x, -1.5, 2.5); },
     [](double x) { return inside(x, -1.5, 2.5); }},
};

const std::vector<Dims> kShapes = {
    {1, 1, 1, 1}, {2, 3, 5, 7}, {1, 17, 3, 3}, {3, 24, 1, 5}, {2, 33, 4, 4}, {5, 31}, {7}};

Attrs attrs_of(const Function& f) {
  Attrs attrs = f.parameters;
  attrs["function"] = std::string(f.name);
  return attrs;
}

// Float rounding and the fits of vector_math.h: a few units in the last place of values near 1.
constexpr double kTolerance = 1e-6;

}  // namespace

TEST("every activation and its gradient agree with the C library, in every layout") {
  for (const Function& f : kFunctions) {
    for (const auto& shape : kShapes) {
      const Tensor x = random(shape, 1, 8.0), dy = random(shape, 2);
      Tensor y = zeros(shape), dx = zeros(shape);
      for (size_t i = 0; i < x.size(); ++i) {
        y[i] = f.value(x[i]);
        dx[i] = dy[i] * f.slope(x[i]);
      }
      const Tensor actual = run("unary", attrs_of(f), {x}, zeros(shape));
      expect_close(actual, y, kTolerance, f.name);
      expect_close(run("unary_backward", attrs_of(f), {dy, x, actual}, zeros(shape)), dx,
                   kTolerance, f.name);
    }
  }
}

TEST("activations stay accurate far out and near zero, and keep NaN") {
  Tensor x = zeros({9});
  x.data = {-200, -30, -1e-5, -0.0, 1e-30, 1e-5, 30, 200, NAN};
  for (const Function& f : kFunctions) {
    if (std::string(f.name) == "exp") continue;  // has a test of its own
    Tensor y = zeros({9});
    for (size_t i = 0; i < x.size(); ++i) y[i] = std::isnan(x[i]) ? NAN : f.value(float(x[i]));
    expect_close(run("unary", attrs_of(f), {x}, zeros({9})), y, kTolerance, f.name);
  }
}

TEST("tanh and erf keep their relative accuracy near zero") {
  Tensor x = zeros({3});
  x.data = {1e-3, 1e-6, -1e-12};
  const Tensor y = run("unary", {{"function", std::string("tanh")}}, {x}, zeros({3}));
  for (size_t i = 0; i < 3; ++i) {
    if (std::abs(y[i] / std::tanh(x[i]) - 1) > 1e-6) failed("tanh(", x[i], ") is ", y[i]);
  }
}

TEST("elu keeps its relative accuracy near zero, softplus far below it") {
  Tensor x = zeros({3});
  x.data = {-1e-3, -1e-6, -1e-12};
  const Tensor y = run("unary", {{"function", std::string("elu")}}, {x}, zeros({3}));
  for (size_t i = 0; i < 3; ++i) {
    if (std::abs(y[i] / std::expm1(x[i]) - 1) > 1e-6) failed("elu(", x[i], ") is ", y[i]);
  }
  x.data = {-20, -40, -80};
  const Tensor z = run("unary", {{"function", std::string("softplus")}}, {x}, zeros({3}));
  for (size_t i = 0; i < 3; ++i) {
    if (std::abs(z[i] / std::exp(x[i]) - 1) > 1e-5) failed("softplus(", x[i], ") is ", z[i]);
  }
}

TEST("functions of positive numbers agree with the C library, padding channels included") {
  const std::vector<Function> functions = {
      {"log", {}, [](double x) { return std::log(x); }, [](double x) { return 1 / x; }},
      {"sqrt",
       {},
       [](double x) { return std::sqrt(x); },
       [](double x) { return 0.5 / std::sqrt(x); }},
      {"power",
       {{"exponent", -1.5}},
       [](double x) { return std::pow(x, -1.5); },
       [](double x) { return -1.5 * std::pow(x, -2.5); }}};
  const Dims shape{2, 17, 3, 3};
  for (const Function& f : functions) {
    Tensor x = random(shape, 1), y = zeros(shape), dx = zeros(shape);
    const Tensor dy = random(shape, 2);
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<float>(std::abs(x[i]) + 0.1);
      y[i] = f.value(x[i]);
      dx[i] = dy[i] * f.slope(x[i]);
    }
    const Tensor actual = run("unary", attrs_of(f), {x}, zeros(shape));
    expect_close(actual, y, kTolerance, f.name);
    expect_close(run("unary_backward", attrs_of(f), {dy, x, actual}, zeros(shape)), dx, kTolerance,
                 f.name);
  }
}

TEST("exp overflows to infinity and underflows to zero") {
  Tensor x = zeros({4});
  x.data = {89, 88, -104, -80};
  const Tensor y = run("unary", {{"function", std::string("exp")}}, {x}, zeros({4}));
  if (!std::isinf(y[0]) || std::abs(y[1] / std::exp(88.0) - 1) > 1e-6) failed("got ", y[1]);
  if (y[2] != 0 || std::abs(y[3] / std::exp(-80.0) - 1) > 1e-6) failed("got ", y[2], " ", y[3]);
}

TEST("the gradient of relu can be told from its result alone") {
  const Tensor x = random({2, 17, 3, 3}, 3), dy = random({2, 17, 3, 3}, 4);
  const Attrs attrs{{"function", std::string("relu")}};
  const Tensor y = run("unary", attrs, {x}, zeros(x.dims));
  expect_equal(run("unary_backward", attrs, {dy, y, y}, zeros(x.dims)),
               run("unary_backward", attrs, {dy, x, y}, zeros(x.dims)));
}

TEST("an unknown function is refused") {
  expect_refused(
      [] { run("unary", {{"function", std::string("sine")}}, {zeros({1})}, zeros({1})); });
}

TEST("sums of one to five tensors are exact in float, rectified or not") {
  for (size_t count = 1; count <= 5; ++count) {
    for (const auto& shape : kShapes) {
      std::vector<Tensor> inputs;
      Tensor sum = zeros(shape), rectified = zeros(shape);
      for (size_t i = 0; i < count; ++i) inputs.push_back(random(shape, 10 + i));
      for (size_t i = 0; i < sum.size(); ++i) {
        float total = static_cast<float>(inputs[0][i]);
        for (size_t k = 1; k < count; ++k) total += static_cast<float>(inputs[k][i]);
        sum[i] = total;
        rectified[i] = std::max(total, 0.0f);
      }
      expect_equal(run("sum", {}, inputs, zeros(shape)), sum);
      expect_equal(run("sum", {{"epilogue", std::string("relu")}}, inputs, zeros(shape)),
                   rectified);
    }
  }
}

TEST("long tensors are cut into pieces without a seam") {
  const Dims shape{1, 16, 70, 65};
  const Tensor a = random(shape, 5), b = random(shape, 6);
  Tensor sum = zeros(shape);
  for (size_t i = 0; i < sum.size(); ++i) sum[i] = float(a[i]) + float(b[i]);
  expect_equal(run("sum", {}, {a, b}, zeros(shape)), sum);
}
