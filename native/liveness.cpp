#include "liveness.h"

#include <algorithm>

namespace halfspace {

void Liveness::touch(size_t id, size_t bytes, size_t time) {
  size_t rounded = (bytes + alignment_ - 1) / alignment_ * alignment_;
  auto [found, added] = buffers_.try_emplace(id, Buffer{rounded, time, time, 0});
  found->second.first = std::min(found->second.first, time);
  found->second.last = std::max(found->second.last, time);
}

// `placed` is sorted by offset, so one sweep over the gaps suffices.
size_t Liveness::lowest_fit(const Buffer& buffer, const std::vector<Buffer>& placed) const {
  size_t offset = 0;
  for (const Buffer& other : placed) {
    if (other.last < buffer.first || buffer.last < other.first) continue;
    if (offset + buffer.bytes <= other.offset) break;
    offset = std::max(offset, other.offset + other.bytes);
  }
  return offset;
}

std::map<size_t, size_t> Liveness::place() {
  std::vector<std::pair<size_t, Buffer>> order(buffers_.begin(), buffers_.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.second.bytes > b.second.bytes;
  });
  std::vector<Buffer> placed;
  std::map<size_t, size_t> offsets;
  for (auto& [id, buffer] : order) {
    buffer.offset = lowest_fit(buffer, placed);
    offsets[id] = buffer.offset;
    total_ = std::max(total_, buffer.offset + buffer.bytes);
    auto after = std::upper_bound(
        placed.begin(), placed.end(), buffer.offset,
        [](size_t offset, const Buffer& other) { return offset < other.offset; });
    placed.insert(after, buffer);
  }
  return offsets;
}

}  // namespace halfspace
