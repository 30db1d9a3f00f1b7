// The update kernel against its formulas in plain loops, in double, group by group.
#include <omp.h>

#include "harness.h"

using namespace halfspace;
using namespace halfspace::test;

namespace {

struct Span {
  int64_t offset, length, stride;
};

using Groups = std::vector<std::vector<Span>>;

struct Hyper {
  double learning_rate = 0.1, momentum = 0.9, beta2 = 0.99, weight_decay = 0.01, epsilon = 1e-8;
  double step = 3, lambda = 0.01, amplify = 2, hat = 10, half_space = 0.5;

  Tensor tensor() const {
    return {DType::F64,
            {10},
            {learning_rate, momentum, beta2, weight_decay, epsilon, step, lambda, amplify, hat,
             half_space}};
  }
};

struct Setup {
  std::string rule;
  bool nesterov = false;
  int64_t elements;
  Groups groups;
  std::vector<double> ceilings;
  Hyper hyper;
};

struct State {
  Tensor x, gradient, first, second;
};

struct Result {
  Tensor x, first, second, statistics;
};

constexpr double kFree = std::numeric_limits<double>::infinity();
constexpr double kTaken = std::numeric_limits<double>::max();

State initial(int64_t elements) {
  State s{random({elements}, 1), random({elements}, 2), random({elements}, 3),
          random({elements}, 4)};
  for (double& value : s.second.data) value = std::abs(value);
  return s;
}

Result run_kernel(const Setup& setup, const State& s) {
  std::vector<double> spans;
  for (size_t g = 0; g < setup.groups.size(); ++g) {
    for (const Span& span : setup.groups[g]) {
      for (int64_t v : {static_cast<int64_t>(g), span.offset, span.length, span.stride}) {
        spans.push_back(static_cast<double>(v));
      }
    }
  }
  const int64_t groups = static_cast<int64_t>(setup.groups.size());
  const Attrs attrs{{"rule", setup.rule},
                    {"nesterov", setup.nesterov},
                    {"groupCount", static_cast<double>(groups)},
                    {"spans", spans}};
  const Tensor ceilings{DType::F64, {groups}, setup.ceilings};
  Tensor statistics = zeros({groups, 6}, DType::F64);
  if (setup.rule == "sgd") {
    std::vector<Tensor> outputs{s.x, s.first, statistics};
    run("update", attrs, {s.x, s.gradient, s.first, setup.hyper.tensor(), ceilings}, outputs,
        {{0, 0}, {1, 2}});
    return {outputs[0], outputs[1], s.second, outputs[2]};
  }
  std::vector<Tensor> outputs{s.x, s.first, s.second, statistics};
  run("update", attrs, {s.x, s.gradient, s.first, s.second, setup.hyper.tensor(), ceilings},
      outputs, {{0, 0}, {1, 2}, {2, 3}});
  return {outputs[0], outputs[1], outputs[2], outputs[3]};
}

// Moves the state and returns d.
std::vector<double> direction(const Setup& setup, const State& s, Result& r) {
  const Hyper& h = setup.hyper;
  std::vector<double> d(s.x.size());
  for (size_t i = 0; i < d.size(); ++i) {
    const double decay = setup.rule == "adamw" ? 0 : h.weight_decay;
    const double g = s.gradient[i] + decay * s.x[i];
    if (setup.rule == "sgd") {
      r.first[i] = h.momentum * s.first[i] + g;
      d[i] = setup.nesterov ? g + h.momentum * r.first[i] : r.first[i];
      continue;
    }
    r.first[i] = h.momentum * s.first[i] + (1 - h.momentum) * g;
    r.second[i] = h.beta2 * s.second[i] + (1 - h.beta2) * g * g;
    const double m = r.first[i] / (1 - std::pow(h.momentum, h.step));
    const double v = r.second[i] / (1 - std::pow(h.beta2, h.step));
    d[i] = m / (std::sqrt(v) + h.epsilon);
  }
  return d;
}

void update_group(const Setup& setup, size_t group, const State& s, const std::vector<double>& d,
                  Result& r) {
  const Hyper& h = setup.hyper;
  std::vector<int64_t> members;
  for (const Span& span : setup.groups[group]) {
    for (int64_t i = 0; i < span.length; ++i) members.push_back(span.offset + i * span.stride);
  }
  double xx = 0, xd = 0, dd = 0;
  for (int64_t i : members) {
    xx += s.x[i] * s.x[i];
    xd += s.x[i] * d[i];
    dd += d[i] * d[i];
  }
  double* row = r.statistics.data.data() + group * 6;
  row[0] = xx, row[1] = xd, row[2] = dd;
  if (setup.ceilings[group] == kFree) return;
  double lambda = h.lambda;
  const double norm = std::sqrt(xx);
  if (xd < 0) {
    const double low = -xd / norm, high = -dd * norm / xd;
    lambda = std::min(std::max(h.amplify * low, h.lambda), h.lambda * h.hat);
    if (lambda >= high) lambda = (low + high) / 2;
  }
  double trial = 0, squared = 0;
  for (int64_t i : members) {
    r.x[i] -= h.learning_rate * lambda * s.x[i] / (norm + 1e-8);
    trial += r.x[i] * s.x[i];
    squared += r.x[i] * r.x[i];
  }
  const double ceiling = setup.ceilings[group];
  const bool zero = xx == 0 || trial < h.half_space * xx || ceiling == 0;
  if (xx > 0) row[3] = lambda, row[4] = trial;
  row[5] = zero;
  const double scale = zero ? 0 : std::min(1.0, ceiling / std::sqrt(squared));
  for (int64_t i : members) r.x[i] = zero ? 0 : r.x[i] * scale;
}

Result expected(const Setup& setup, const State& s) {
  Result r{s.x, s.first, s.second, zeros({int64_t(setup.groups.size()), 6}, DType::F64)};
  const auto d = direction(setup, s, r);
  const double decay = setup.rule == "adamw" ? setup.hyper.weight_decay : 0;
  for (size_t i = 0; i < d.size(); ++i)
    r.x[i] -= setup.hyper.learning_rate * (d[i] + decay * s.x[i]);
  for (size_t g = 0; g < setup.groups.size(); ++g) update_group(setup, g, s, d, r);
  return r;
}

// Floats hold x, d and the state; sums are in double over floats, with terms of both signs.
void expect_result(const Result& actual, const Result& e) {
  expect_close(actual.x, e.x, 2e-6, "x");
  expect_close(actual.first, e.first, 1e-6, "first state");
  expect_close(actual.second, e.second, 1e-6, "second state");
  expect_close(actual.statistics, e.statistics, 1e-5, "statistics");
}

void expect_identical(const Result& a, const Result& b) {
  expect_equal(a.x, b.x, "x");
  expect_equal(a.statistics, b.statistics, "statistics");
}

const Groups kSmall = {{{0, 40, 1}},
                       {{40, 13, 1}, {60, 1, 1}, {100, 5, 1}},
                       {{110, 9, 8}, {53, 7, 1}},
                       {{111, 9, 8}},
                       {{200, 33, 3}},
                       {{300, 1, 1}}};

std::vector<Setup> setups() {
  std::vector<Setup> all;
  for (const char* rule : {"sgd", "adam", "adamw"}) {
    for (bool nesterov : {false, true}) {
      if (nesterov && rule != std::string("sgd")) continue;
      all.push_back({rule, nesterov, 310, kSmall, std::vector<double>(6, kFree), {}});
      all.push_back({rule, nesterov, 310, kSmall, std::vector<double>(6, kTaken), {}});
      all.push_back({rule, nesterov, 310, kSmall, {kFree, kTaken, 1.0, 0.0, kFree, 0.5}, {}});
    }
  }
  return all;
}

}  // namespace

TEST("free, taken and held groups follow the formulas under every rule") {
  for (const Setup& setup : setups()) {
    const State s = initial(setup.elements);
    expect_result(run_kernel(setup, s), expected(setup, s));
  }
}

TEST("groups longer than a piece, and elements in no group, are updated whole") {
  for (const char* rule : {"sgd", "adamw"}) {
    const Setup setup{
        rule,
        false,
        100'000,
        {{{10, 40'000, 1}}, {{40'010, 20'001, 2}}, {{40'011, 70, 2}, {90'000, 9'990, 1}}},
        {kTaken, kFree, 3.0},
        {}};
    const State s = initial(setup.elements);
    expect_result(run_kernel(setup, s), expected(setup, s));
  }
}

TEST("a taken group that is zero stays zero, also when it is taken with a ceiling") {
  for (double ceiling : {kTaken, 1.0, 0.0}) {
    Setup setup{"sgd", false, 310, kSmall, std::vector<double>(6, kFree), {}};
    setup.ceilings[0] = ceiling;
    State s = initial(setup.elements);
    for (size_t i = 0; i < 40; ++i) s.x[i] = 0;
    const Result r = run_kernel(setup, s);
    for (size_t i = 0; i < 40; ++i) {
      if (r.x[i] != 0) failed("element ", i, " is ", r.x[i]);
    }
    if (r.statistics[5] != 1) failed("not reported as zero");
    expect_result(r, expected(setup, s));
  }
}

TEST("a ceiling is where the norm of a taken group ends") {
  Setup setup{"adam", false, 310, kSmall, std::vector<double>(6, 0.25), {}};
  setup.hyper.half_space = -1e9;
  const Result r = run_kernel(setup, initial(setup.elements));
  double squared = 0;
  for (size_t i = 0; i < 40; ++i) squared += r.x[i] * r.x[i];
  if (std::abs(std::sqrt(squared) - 0.25) > 1e-6) failed("the norm is ", std::sqrt(squared));
}

TEST("an arena without groups is a plain optimizer step") {
  const Setup setup{"sgd", false, 1000, {}, {}, {}};
  const State s = initial(setup.elements);
  expect_result(run_kernel(setup, s), expected(setup, s));
}

TEST("the update is the same bit for bit with one thread and with four") {
  Setup setup{"adamw", false, 200'000, {{{0, 120'000, 1}}}, {kTaken}, {}};
  for (int64_t g = 0; g < 5000; ++g) {
    setup.groups.push_back({{120'000 + g * 9, 9, 1}, {170'000 + g, 4, 5000}});
    setup.ceilings.push_back(g % 3 == 0 ? kFree : kTaken);
  }
  const State s = initial(setup.elements);
  omp_set_num_threads(1);
  const Result one = run_kernel(setup, s);
  omp_set_num_threads(4);
  const Result four = run_kernel(setup, s);
  expect_identical(one, four);
  expect_result(one, expected(setup, s));
}

TEST("spans that overlap or leave the arena are refused") {
  const auto attempt = [](const Groups& groups) {
    const Setup setup{"sgd", false, 100, groups, std::vector<double>(groups.size(), kFree), {}};
    run_kernel(setup, initial(100));
  };
  expect_refused([&] { attempt({{{0, 10, 1}}, {{9, 2, 1}}}); });
  expect_refused([&] { attempt({{{0, 10, 2}}, {{18, 1, 1}}}); });
  expect_refused([&] { attempt({{{90, 11, 1}}}); });
  expect_refused([&] { attempt({{{0, 34, 3}, {1, 34, 3}}}); });
  expect_refused([&] { attempt({{{-1, 2, 1}}}); });
}
