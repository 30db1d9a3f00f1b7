// Cutting the arena: spans are put in order, checked against each other, and what no span names
// becomes pieces of no group.
#include "update_plan.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace halfspace {
namespace {

template <class T>
void sort_by_offset(std::vector<T>& values) {
  const auto before = [](const T& a, const T& b) { return a.offset < b.offset; };
  if (!std::is_sorted(values.begin(), values.end(), before)) {
    std::sort(values.begin(), values.end(), before);
  }
}

struct Span {
  int64_t group, offset, length, stride;
  int64_t end() const { return offset + length; }
};

std::vector<Span> spans_of(const StepMeta& step, int64_t elements, int64_t groups) {
  const std::vector<int64_t> flat = step.attrs.integers("spans");
  step.expect(flat.size() % 4 == 0, "spans come as group, offset, length, stride");
  std::vector<Span> spans;
  spans.reserve(flat.size() / 4);
  for (size_t i = 0; i < flat.size(); i += 4) {
    const Span s{flat[i], flat[i + 1], flat[i + 2], flat[i + 3]};
    step.expect(s.group >= 0 && s.group < groups, "span of group ", s.group, " of ", groups);
    step.expect(s.offset >= 0 && s.offset < elements && s.length > 0 && s.stride > 0 &&
                    s.length - 1 <= (elements - 1 - s.offset) / s.stride,
                "span of group ", s.group, " (offset ", s.offset, ", length ", s.length,
                ", stride ", s.stride, ") leaves the arena of ", elements);
    step.expect(s.length == 1 || s.stride <= std::numeric_limits<int32_t>::max(), "stride ",
                s.stride, " is too large");
    spans.push_back(s.length == 1 ? Span{s.group, s.offset, 1, 1} : s);
  }
  return spans;
}

// In the order of memory, neighbours of one group joined.
std::vector<Span> joined(std::vector<Span> spans) {
  sort_by_offset(spans);
  std::vector<Span> result;
  for (const Span& s : spans) {
    if (!result.empty() && s.stride == 1 && result.back().stride == 1 &&
        result.back().group == s.group && result.back().end() == s.offset) {
      result.back().length += s.length;
    } else {
      result.push_back(s);
    }
  }
  return result;
}

// Which elements belong to a group, a byte each, since bytes are filled and searched many at a time.
class Owned {
 public:
  explicit Owned(int64_t elements) : owned_(elements, 0) {}

  // No element may belong to two groups.
  void add(const StepMeta& step, const Span& s) {
    if (s.stride == 1) return add_run(step, s.group, s.offset, s.end());
    for (int64_t i = 0; i < s.length; ++i) {
      const int64_t element = s.offset + i * s.stride;
      add_run(step, s.group, element, element + 1);
    }
  }

  // The runs between the groups, as spans of no group.
  void append_free_runs(std::vector<Span>& spans) const {
    const int64_t end = static_cast<int64_t>(owned_.size());
    for (int64_t from = next(0, end, 0); from < end;) {
      const int64_t to = next(from, end, 1);
      spans.push_back({kNoGroup, from, to - from, 1});
      from = next(to, end, 0);
    }
  }

 private:
  void add_run(const StepMeta& step, int64_t group, int64_t from, int64_t to) {
    const int64_t taken = next(from, to, 1);
    step.expect(taken == to, "element ", taken, " is in group ", group, " and in another span too");
    std::memset(owned_.data() + from, 1, to - from);
  }

  // The first element that is owned (1) or not (0); `to` where there is none.
  int64_t next(int64_t from, int64_t to, int owned) const {
    if (from == to) return to;
    const void* found = std::memchr(owned_.data() + from, owned, to - from);
    return found ? static_cast<const uint8_t*>(found) - owned_.data() : to;
  }

  std::vector<uint8_t> owned_;
};

void append_pieces(const Span& s, int64_t most, std::vector<Piece>& pieces) {
  for (int64_t done = 0; done < s.length; done += most) {
    pieces.push_back({s.offset + done * s.stride, static_cast<int32_t>(s.stride),
                      static_cast<int32_t>(std::min(most, s.length - done)),
                      static_cast<int32_t>(s.group), kNoGroup});
  }
}

// Whether b may follow a in a strip of several pieces.
bool follows(const Piece& a, const Piece& b, UpdateCut cut) {
  const bool short_ones = a.length <= cut.part && b.length <= cut.part;
  return short_ones && a.stride == 1 && b.stride == 1 && a.offset + a.length == b.offset;
}

}  // namespace

UpdatePlan::UpdatePlan(const StepMeta& step, int64_t elements, UpdateCut cut) {
  constexpr int64_t kMostGroups = int64_t{1} << 30;
  const int64_t groups = step.attrs.integer("groupCount");
  step.expect(groups >= 0 && groups < kMostGroups, "groupCount is ", groups);
  std::vector<Span> spans = joined(spans_of(step, elements, groups));
  Owned owned(elements);
  for (const Span& span : spans) owned.add(step, span);
  owned.append_free_runs(spans);
  for (const Span& s : spans) append_pieces(s, cut.piece, pieces_);
  step.expect(pieces_.size() <= std::numeric_limits<int32_t>::max(), "too many spans");
  sort_by_offset(pieces_);
  assign_slots(groups);
  cut_strips(cut);
}

void UpdatePlan::assign_slots(int64_t groups) {
  first_slot_.assign(groups + 1, 0);
  for (const Piece& piece : pieces_) {
    if (piece.group != kNoGroup) ++first_slot_[piece.group + 1];
  }
  for (int64_t g = 0; g < groups; ++g) first_slot_[g + 1] += first_slot_[g];
  std::vector<int64_t> next(first_slot_.begin(), first_slot_.end() - 1);
  for (Piece& piece : pieces_) {
    if (piece.group != kNoGroup) piece.slot = static_cast<int32_t>(next[piece.group]++);
  }
}

// Short neighbours share a strip; a task is as many strips as make a piece of full length.
void UpdatePlan::cut_strips(UpdateCut cut) {
  int64_t strip = 0, task = 0;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    const bool last = i + 1 == pieces_.size();
    strip += piece.length;
    task += piece.length;
    if (!last && follows(piece, pieces_[i + 1], cut) &&
        strip + pieces_[i + 1].length <= cut.strip) {
      continue;
    }
    strip_end_.push_back(static_cast<int32_t>(i) + 1);
    strip = 0;
    if (task < cut.piece && !last) continue;
    task_end_.push_back(static_cast<int64_t>(strip_end_.size()));
    task = 0;
  }
}

}  // namespace halfspace
