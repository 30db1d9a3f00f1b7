// Work dealt among threads that need not be equally fast: each has a share of neighbouring pieces, and whoever is
// done with its own takes over what another has not begun. A core that others use as well holds nobody up.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

namespace halfspace::cpu {

class Shares {
 public:
  // Pieces 0 to `count`, fewer than 2^32, for `lanes` threads, which go through their own shares upwards or
  // downwards.
  Shares(int64_t count, int64_t lanes, bool downwards = false)
      : stretch_(std::max<int64_t>(1, count / (lanes * kStretches))), downwards_(downwards), left_(lanes) {
    for (int64_t lane = 0; lane < lanes; ++lane) {
      left_[lane].range = pack(lane * count / lanes, (lane + 1) * count / lanes);
    }
  }

  // Calls body(piece) for the pieces that fall to `lane`, until nothing is left to begin. Every piece falls to one
  // of the lanes, however many of them work at the same time.
  template <class Body>
  void work(int64_t lane, Body&& body) {
    while (take(left_[lane], downwards_, body)) {
    }
    for (Left* other = fullest(); other; other = fullest()) take(*other, !downwards_, body);
  }

 private:
  // Stretches that a share is taken in, each at the price of one atomic operation.
  static constexpr int64_t kStretches = 16;

  // What nobody has begun of a share: where it begins, in the upper half, and ends. On a cache line of its own.
  struct alignas(64) Left {
    std::atomic<uint64_t> range;
  };

  static uint64_t pack(int64_t begin, int64_t end) {
    return static_cast<uint64_t>(begin) << 32 | static_cast<uint64_t>(end);
  }
  static int64_t begin_of(uint64_t range) { return static_cast<int64_t>(range >> 32); }
  static int64_t end_of(uint64_t range) { return static_cast<int64_t>(range & 0xffffffff); }

  // Does a stretch of `left`, from its end where that is asked; false where nothing was left.
  template <class Body>
  bool take(Left& left, bool from_end, Body&& body) {
    uint64_t range = left.range.load(std::memory_order_relaxed);
    int64_t begin, end, count;
    do {
      begin = begin_of(range);
      end = end_of(range);
      if (begin == end) return false;
      count = std::min(stretch_, end - begin);
    } while (!left.range.compare_exchange_weak(range, from_end ? pack(begin, end - count) : pack(begin + count, end),
                                               std::memory_order_relaxed));
    if (from_end) {
      for (int64_t i = 1; i <= count; ++i) body(end - i);
    } else {
      for (int64_t i = 0; i < count; ++i) body(begin + i);
    }
    return true;
  }

  // The share with the most left, null where there is none.
  Left* fullest() {
    Left* best = nullptr;
    int64_t most = 0;
    for (Left& left : left_) {
      const uint64_t range = left.range.load(std::memory_order_relaxed);
      if (end_of(range) - begin_of(range) <= most) continue;
      most = end_of(range) - begin_of(range);
      best = &left;
    }
    return best;
  }

  int64_t stretch_;  // pieces
  bool downwards_;
  std::vector<Left> left_;  // by lane
};

}  // namespace halfspace::cpu
