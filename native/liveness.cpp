#include "liveness.h"

#include <algorithm>
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

// In pieces, so that to insert one moves little.
class Liveness::Placed {
 public:
  size_t lowest_fit(const Buffer& buffer) const {
    size_t offset = 0;
    for (const std::vector<Buffer>& piece : pieces_) {
      for (const Buffer& other : piece) {
        if (other.last < buffer.first || buffer.last < other.first) continue;
        if (offset + buffer.bytes <= other.offset) return offset;
        offset = std::max(offset, other.offset + other.bytes);
      }
    }
    return offset;
  }

  void insert(const Buffer& buffer) {
    auto next = std::upper_bound(
        pieces_.begin() + 1, pieces_.end(), buffer,
        [](const Buffer& added, const auto& piece) { return before(added, piece.front()); });
    std::vector<Buffer>& piece = *std::prev(next);
    piece.insert(std::upper_bound(piece.begin(), piece.end(), buffer, before), buffer);
    if (piece.size() == kLargestPiece) split(std::prev(next));
  }

 private:
  static constexpr size_t kLargestPiece = 512;

  static bool before(const Buffer& a, const Buffer& b) { return a.offset < b.offset; }

  void split(std::vector<std::vector<Buffer>>::iterator piece) {
    auto middle = piece->begin() + kLargestPiece / 2;
    std::vector<Buffer> upper(middle, piece->end());
    piece->erase(middle, piece->end());
    pieces_.insert(piece + 1, std::move(upper));
  }

  std::vector<std::vector<Buffer>> pieces_{1};
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
