#include "liveness.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <tuple>
#include <utility>

namespace halfspace {

void Liveness::touch(size_t id, size_t bytes, size_t time) {
  size_t rounded = (bytes + alignment_ - 1) / alignment_ * alignment_;
  auto [found, added] = buffers_.try_emplace(id, Buffer{rounded, time, time, 0});
  found->second.first = std::min(found->second.first, time);
  found->second.last = std::max(found->second.last, time);
}

// In order of their offsets, in pieces, so that to insert one moves little. When a buffer is alive lies apart from where:
// of those that a search passes and that are not alive together with it, it reads nothing else.
class Liveness::Placed {
 public:
  size_t lowest_fit(const Buffer& buffer) const {
    const Life wanted = life_of(buffer);
    size_t offset = 0;
    for (const Piece& piece : pieces_) {
      for (size_t i = 0; i < piece.lives.size(); ++i) {
        if (piece.lives[i].last < wanted.first || wanted.last < piece.lives[i].first) continue;
        if (offset + buffer.bytes <= piece.ranges[i].begin) return offset;
        offset = std::max(offset, piece.ranges[i].end);
      }
    }
    return offset;
  }

  void insert(const Buffer& buffer) {
    const Range range{buffer.offset, buffer.offset + buffer.bytes};
    auto next = std::upper_bound(
        pieces_.begin() + 1, pieces_.end(), range,
        [](const Range& added, const Piece& piece) { return before(added, piece.ranges.front()); });
    Piece& piece = *std::prev(next);
    auto place = std::upper_bound(piece.ranges.begin(), piece.ranges.end(), range, before);
    piece.lives.insert(piece.lives.begin() + (place - piece.ranges.begin()), life_of(buffer));
    piece.ranges.insert(place, range);
    if (piece.lives.size() == kLargestPiece) pieces_.insert(next, upper_half(piece));
  }

 private:
  static constexpr size_t kLargestPiece = 512;

  struct Life {
    uint32_t first, last;
  };

  struct Range {
    size_t begin, end;  // bytes
  };

  struct Piece {
    std::vector<Life> lives;
    std::vector<Range> ranges;
  };

  static Life life_of(const Buffer& buffer) {
    return {static_cast<uint32_t>(buffer.first), static_cast<uint32_t>(buffer.last)};
  }

  static bool before(const Range& a, const Range& b) { return a.begin < b.begin; }

  static Piece upper_half(Piece& piece) {
    return {take_upper_half(piece.lives), take_upper_half(piece.ranges)};
  }

  template <class T>
  static std::vector<T> take_upper_half(std::vector<T>& list) {
    std::vector<T> upper(list.begin() + kLargestPiece / 2, list.end());
    list.resize(kLargestPiece / 2);
    return upper;
  }

  std::vector<Piece> pieces_{1};
};

std::unordered_map<size_t, size_t> Liveness::place() {
  std::vector<std::pair<size_t, Buffer>> order(buffers_.begin(), buffers_.end());
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::tie(b.second.bytes, a.first) < std::tie(a.second.bytes, b.first);
  });
  std::unordered_map<size_t, size_t> offsets;
  Placed placed;
  for (auto& [id, buffer] : order) {
    buffer.offset = placed.lowest_fit(buffer);
    offsets[id] = buffer.offset;
    total_ = std::max(total_, buffer.offset + buffer.bytes);
    placed.insert(buffer);
  }
  return offsets;
}

}  // namespace halfspace
