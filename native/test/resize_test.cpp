// Resizing against a plain loop over output pixels, and its gradient against the transpose of it.
#include "harness.h"

using namespace halfspace;
using namespace halfspace::test;

namespace {

struct Case {
  Dims x, y;
};

const std::vector<Case> kCases = {{{2, 3, 4, 5}, {2, 3, 8, 10}},   {{1, 17, 7, 3}, {1, 17, 3, 7}},
                                  {{1, 24, 5, 5}, {1, 24, 15, 5}}, {{2, 33, 1, 4}, {2, 33, 3, 1}},
                                  {{1, 1, 6, 6}, {1, 1, 6, 6}},    {{1, 16, 9, 9}, {1, 16, 4, 20}}};

double coordinate(const std::string& how, int64_t o, int64_t in, int64_t out) {
  if (how == "half_pixel") return (o + 0.5) * in / out - 0.5;
  if (how == "asymmetric") return double(o) * in / out;
  return out == 1 ? 0 : double(o) * (in - 1) / (out - 1);
}

// Weight of input position i in output position o along one axis.
double weight(const std::string& mode, const std::string& how, int64_t o, int64_t i, int64_t in,
              int64_t out) {
  const double at = coordinate(how, o, in, out);
  if (mode == "nearest") {
    const double nearest = how == "asymmetric" ? std::floor(at) : std::ceil(at - 0.5);
    return std::min(std::max(nearest, 0.0), in - 1.0) == i;
  }
  return std::max(0.0, 1 - std::abs(std::min(std::max(at, 0.0), in - 1.0) - i));
}

// Calls visit(index in x, index in y, weight) for all pairs that meet.
template <class Visit>
void for_each_pair(const Case& c, const std::string& mode, const std::string& how, Visit&& visit) {
  for (int64_t o = 0; o < elements(c.y); ++o) {
    const int64_t ow = o % c.y[3], oh = o / c.y[3] % c.y[2], plane = o / c.y[3] / c.y[2];
    for (int64_t h = 0; h < c.x[2]; ++h) {
      for (int64_t w = 0; w < c.x[3]; ++w) {
        const double share =
            weight(mode, how, oh, h, c.x[2], c.y[2]) * weight(mode, how, ow, w, c.x[3], c.y[3]);
        if (share > 0) visit((plane * c.x[2] + h) * c.x[3] + w, o, share);
      }
    }
  }
}

}  // namespace

TEST("resizing and its gradient agree with the weights of every pair of pixels") {
  for (const Case& c : kCases) {
    for (const std::string mode : {"nearest", "linear"}) {
      for (const std::string how : {"half_pixel", "asymmetric", "align_corners"}) {
        const Tensor x = random(c.x, 1), dy = random(c.y, 2);
        Tensor y = zeros(c.y), dx = zeros(c.x);
        for_each_pair(c, mode, how, [&](int64_t i, int64_t o, double share) {
          y[o] += share * x[i];
          dx[i] += share * dy[o];
        });
        const Attrs attrs{{"mode", mode}, {"coordinates", how}};
        expect_close(run("resize", attrs, {x}, zeros(c.y)), y, 1e-6, "y");
        // A pixel of dx gathers up to 27 float terms.
        expect_close(run("resize_backward", attrs, {dy}, zeros(c.x)), dx, 3e-6, "dx");
      }
    }
  }
}

TEST("unknown modes and coordinates are refused") {
  const Tensor x = zeros({1, 1, 2, 2});
  const auto resize = [&](const char* mode, const char* how) {
    run("resize", {{"mode", std::string(mode)}, {"coordinates", std::string(how)}}, {x}, x);
  };
  expect_refused([&] { resize("cubic", "half_pixel"); });
  expect_refused([&] { resize("linear", "middle"); });
}
