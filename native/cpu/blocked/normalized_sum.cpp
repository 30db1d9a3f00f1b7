// A sum that normalises some of its terms as it reads them, so that a normalised image is never written.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "batch_norm_pieces.h"
#include "kernels.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// Behind the terms, of each that is normalised: scale, bias, batchMean, batchInvStd.
constexpr size_t kVectors = 4;
// Pixels that stay in the L1 cache while all terms pass over them.
constexpr int64_t kPassPixels = (1 << 12) / kBlock;
// Terms that are added in one pass.
constexpr size_t kPair = 2;

struct TermList {
  size_t terms;
  // Numbers of the normalised terms, and whether each is rectified.
  std::vector<int64_t> normalized, rectified;
};

TermList terms_of(const StepMeta& step) {
  auto normalized = step.attrs.integers("normalized", {});
  auto rectified = step.attrs.integers("rectified", {});
  return {step.inputs.size() - kVectors * normalized.size(), normalized, rectified};
}

// x1 ... xn, vectors -> y
class NormalizedSum : public Kernel {
 public:
  explicit NormalizedSum(const StepMeta& step)
      : pieces_(step.outputs.at(0)), list_(terms_of(step)), least_(least_of(step)), place_(list_.terms, -1) {
    step.expect_arity(1, step.inputs.size(), 1, 1);
    step.expect(list_.normalized.size() == list_.rectified.size() && list_.terms <= step.inputs.size(),
                "a normalised term needs ", kVectors, " vectors and to be rectified or not");
    expect_blocked(step, step.outputs[0]);
    for (size_t term = 0; term < list_.terms; ++term) expect_same(step, step.inputs[term], step.outputs[0]);
    for (size_t i = list_.terms; i < step.inputs.size(); ++i) {
      expect_channels(step, step.inputs[i], pieces_.image().channels);
    }
    for (size_t i = 0; i < list_.normalized.size(); ++i) {
      step.expect(list_.normalized[i] >= 0 && list_.normalized[i] < static_cast<int64_t>(list_.terms),
                  "there is no term ", list_.normalized[i]);
      place_[list_.normalized[i]] = static_cast<int64_t>(i);
    }
  }

  // What normalises each block of each term that is normalised, and one that changes nothing.
  size_t prepared_bytes() const override {
    return (list_.normalized.size() * pieces_.image().blocks + 1) * sizeof(Affine);
  }

  void prepare(const Buffers& buffers) override {
    auto* affine = static_cast<Affine*>(buffers.prepared);
    for (size_t i = 0; i < list_.normalized.size(); ++i, affine += pieces_.image().blocks) {
      start_forward(buffers, list_.terms + i * kVectors, pieces_.image(), affine);
    }
    std::fill_n(cleared(affine, 1)->factor, kBlock, 1.0f);
  }

  void run(const Buffers& buffers) override {
    pieces_.for_each(pieces_.all(), [&](int64_t offset, int64_t pixels, int64_t block, int64_t) {
      for (int64_t begin = 0; begin < pixels; begin += kPassPixels) {
        add_up(buffers, offset + begin * kBlock, std::min(kPassPixels, pixels - begin), block);
      }
    });
  }

 private:
  void add_up(const Buffers& buffers, int64_t offset, int64_t pixels, int64_t block) const {
    for (size_t begin = 0; begin < list_.terms; begin += kPair) {
      const size_t count = std::min(kPair, list_.terms - begin);
      NormalizedTerm terms[kPair];
      for (size_t i = 0; i < count; ++i) terms[i] = term(buffers, begin + i, offset, block);
      const bool ends = begin + count == list_.terms;
      add_terms(terms, count, begin > 0, ends ? least_ : least(false), pixels, buffers.out(0) + offset);
    }
  }

  NormalizedTerm term(const Buffers& buffers, size_t number, int64_t offset, int64_t block) const {
    const auto* affine = static_cast<const Affine*>(buffers.prepared);
    const float* x = buffers.in(number) + offset;
    const int64_t blocks = pieces_.image().blocks, place = place_[number];
    if (place < 0) return {x, affine + list_.normalized.size() * blocks, least(false)};
    return {x, affine + place * blocks + block, least(list_.rectified[place] != 0)};
  }

  Pieces pieces_;
  TermList list_;
  float least_;
  std::vector<int64_t> place_;  // by term: its number among the normalised, or -1
};

}  // namespace

std::optional<Absorbed> absorb_batch_norm(const StepMeta& sum, size_t term, const StepMeta& producer) {
  if (producer.kernel != "batch_norm_apply" || !sum.outputs[0].is_blocked()) return std::nullopt;
  TermList list = terms_of(sum);
  if (term >= list.terms) return std::nullopt;
  list.normalized.push_back(static_cast<int64_t>(term));
  list.rectified.push_back(has_relu(producer) ? 1 : 0);
  const auto numbers = [](const std::vector<int64_t>& list) {
    return std::vector<double>(list.begin(), list.end());
  };
  // The image in the term's place, the vectors behind everything.
  std::vector<size_t> inputs(sum.inputs.size() + producer.inputs.size());
  std::iota(inputs.begin(), inputs.end(), 0);
  inputs[term] = sum.inputs.size();
  inputs.erase(inputs.begin() + static_cast<std::ptrdiff_t>(sum.inputs.size()));
  return Absorbed{
      "normalized_sum",
      with_epilogue(sum, {{"normalized", numbers(list.normalized)}, {"rectified", numbers(list.rectified)}}),
      std::move(inputs)};
}

std::unique_ptr<Kernel> make_normalized_sum(const StepMeta& step) {
  return std::make_unique<NormalizedSum>(step);
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
