// Softmax with cross entropy against plain loops in double.
#include "harness.h"

using namespace halfspace;
using namespace halfspace::test;

namespace {

struct Expected {
  Tensor loss = zeros({1}), probabilities, correct = zeros({1}), dlogits;
};

struct Case {
  int64_t rows, classes;
  double smoothing;
};

const std::vector<Case> kCases = {{1, 2, 0}, {5, 10, 0}, {7, 10, 0.1}, {3, 1000, 0.2}, {4, 1, 0}};

// `target(row, k)` before smoothing; a row that does not count has the label -1.
template <class Target>
Expected expected(const Case& c, const Tensor& logits, const std::vector<int64_t>& labels,
                  Target&& target) {
  Expected e;
  e.probabilities = e.dlogits = zeros(logits.dims);
  double rows = 0;
  for (int64_t label : labels) rows += label >= 0;
  for (int64_t r = 0; r < c.rows; ++r) {
    double sum = 0;
    for (int64_t k = 0; k < c.classes; ++k) sum += std::exp(logits[r * c.classes + k]);
    int64_t answer = 0;
    for (int64_t k = 0; k < c.classes; ++k) {
      const int64_t i = r * c.classes + k;
      const double p = std::exp(logits[i]) / sum;
      const double t = (1 - c.smoothing) * target(r, k) + c.smoothing / c.classes;
      e.probabilities[i] = p;
      if (logits[i] > logits[r * c.classes + answer]) answer = k;
      if (labels[r] < 0) continue;
      e.loss[0] -= t * std::log(p) / rows;
      e.dlogits[i] = (p - t) / rows;
    }
    e.correct[0] += labels[r] >= 0 && answer == labels[r];
  }
  return e;
}

void expect_loss(const Case& c, const Tensor& logits, const Tensor& labels, const Expected& e) {
  const Attrs attrs{{"smoothing", c.smoothing}};
  std::vector<Tensor> outputs{zeros({1}), zeros(logits.dims), zeros({1})};
  run("softmax_cross_entropy", attrs, {logits, labels}, outputs);
  // Everything is in double inside; only results are rounded to float.
  expect_close(outputs[0], e.loss, 3e-7, "loss");
  expect_close(outputs[1], e.probabilities, 3e-7, "probabilities");
  expect_equal(outputs[2], e.correct, "correct");
  expect_close(
      run("softmax_cross_entropy_backward", attrs, {outputs[1], labels}, zeros(logits.dims)),
      e.dlogits, 3e-7, "dlogits");
}

}  // namespace

TEST("the loss of integer labels, some of them padding, agrees with its formula") {
  for (const Case& c : kCases) {
    const Tensor logits = random({c.rows, c.classes}, 1, 5.0);
    Tensor labels = zeros({c.rows}, DType::I32);
    std::vector<int64_t> rows;
    for (int64_t r = 0; r < c.rows; ++r) {
      rows.push_back(r == 2 ? -1 : r * 7 % c.classes);
      labels[r] = static_cast<double>(rows[r]);
    }
    const auto target = [&](int64_t r, int64_t k) { return rows[r] == k ? 1.0 : 0.0; };
    expect_loss(c, logits, labels, expected(c, logits, rows, target));
  }
}

TEST("the loss of soft labels agrees with its formula") {
  for (const Case& c : kCases) {
    const Tensor logits = random({c.rows, c.classes}, 2, 5.0);
    Tensor targets = random({c.rows, c.classes}, 3);
    std::vector<int64_t> rows;
    for (int64_t r = 0; r < c.rows; ++r) {
      double sum = 0;
      double* row = targets.data.data() + r * c.classes;
      for (int64_t k = 0; k < c.classes; ++k) sum += row[k] = std::abs(row[k]);
      for (int64_t k = 0; k < c.classes; ++k) row[k] = static_cast<float>(row[k] / sum);
      rows.push_back(std::max_element(row, row + c.classes) - row);
    }
    const auto target = [&](int64_t r, int64_t k) { return targets[r * c.classes + k]; };
    expect_loss(c, logits, targets, expected(c, logits, rows, target));
  }
}

TEST("a batch of padding alone has no loss and no gradient") {
  Tensor labels = zeros({3}, DType::I32);
  labels.data = {-1, -1, -1};
  std::vector<Tensor> outputs{zeros({1}), zeros({3, 4}), zeros({1})};
  run("softmax_cross_entropy", {}, {random({3, 4}, 4), labels}, outputs);
  expect_equal(outputs[0], zeros({1}));
  expect_equal(outputs[2], zeros({1}));
  expect_equal(run("softmax_cross_entropy_backward", {}, {outputs[1], labels}, zeros({3, 4})),
               zeros({3, 4}));
}

TEST("large logits neither overflow nor lose the loss") {
  Tensor logits = zeros({1, 2}), labels = zeros({1}, DType::I32);
  logits.data = {1000, -1000};
  labels.data = {1};
  std::vector<Tensor> outputs{zeros({1}), zeros({1, 2}), zeros({1})};
  run("softmax_cross_entropy", {}, {logits, labels}, outputs);
  if (outputs[0][0] != 2000) failed("the loss is ", outputs[0][0]);
}

TEST("a label outside the classes is refused") {
  Tensor labels = zeros({1}, DType::I32);
  for (double label : {2.0, -2.0}) {
    labels[0] = label;
    expect_refused([&] {
      std::vector<Tensor> outputs{zeros({1}), zeros({1, 2}), zeros({1})};
      run("softmax_cross_entropy", {}, {zeros({1, 2}), labels}, outputs);
    });
  }
}
