#include "interpolation.h"

#include <algorithm>
#include <cmath>

namespace halfspace {
namespace {

double coordinate(const std::string& how, int64_t o, int64_t inputs, int64_t outputs) {
  const double scale = static_cast<double>(inputs) / static_cast<double>(outputs);
  if (how == "half_pixel") return (o + 0.5) * scale - 0.5;
  if (how == "asymmetric") return o * scale;
  return outputs == 1 ? 0.0 : static_cast<double>(o * (inputs - 1)) / (outputs - 1);
}

Mix mix_of(bool linear, const std::string& how, int64_t o, int64_t inputs, int64_t outputs) {
  const double last = static_cast<double>(inputs - 1);
  double at = coordinate(how, o, inputs, outputs);
  if (!linear) at = how == "asymmetric" ? std::floor(at) : std::ceil(at - 0.5);
  at = std::clamp(at, 0.0, last);
  const int64_t low = static_cast<int64_t>(at);
  return {low, std::min(low + 1, inputs - 1), static_cast<float>(at - static_cast<double>(low))};
}

}  // namespace

std::vector<Mix> mixes_of(const StepMeta& step, int64_t inputs, int64_t outputs) {
  const std::string mode = step.attrs.text("mode"), how = step.attrs.text("coordinates");
  step.expect(mode == "nearest" || mode == "linear", "unknown mode '", mode, "'");
  step.expect(how == "half_pixel" || how == "asymmetric" || how == "align_corners",
              "unknown coordinates '", how, "'");
  std::vector<Mix> mixes;
  for (int64_t o = 0; o < outputs; ++o) {
    mixes.push_back(mix_of(mode == "linear", how, o, inputs, outputs));
  }
  return mixes;
}

}  // namespace halfspace
