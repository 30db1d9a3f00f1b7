// One number for each axis of a tensor: sizes, strides, positions.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace halfspace {

// A list of at most kHighestRank numbers that lies in place: planning copies and compares a hundred thousand of them.
// More throw ErrorCode::Internal.
class Dims {
 public:
  static constexpr size_t kHighestRank = 8;

  Dims() = default;
  explicit Dims(size_t rank, int64_t value = 0) { assign(rank, [&](size_t) { return value; }); }
  Dims(std::initializer_list<int64_t> values) { assign(values.size(), [&](size_t i) { return values.begin()[i]; }); }
  // However else they are listed.
  Dims(const std::vector<int64_t>& values) { assign(values.size(), [&](size_t i) { return values[i]; }); }

  size_t size() const { return rank_; }
  int64_t& operator[](size_t axis) { return values_[axis]; }
  int64_t operator[](size_t axis) const { return values_[axis]; }
  const int64_t* begin() const { return values_.data(); }
  const int64_t* end() const { return begin() + rank_; }
  void push_back(int64_t value) {
    check_rank(rank_ + 1);
    values_[rank_++] = value;
  }

  bool operator==(const Dims& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }
  std::strong_ordering operator<=>(const Dims& other) const {
    return std::lexicographical_compare_three_way(begin(), end(), other.begin(), other.end());
  }

 private:
  template <class Value>
  void assign(size_t rank, Value value) {
    check_rank(rank);
    for (rank_ = 0; rank_ < rank; ++rank_) values_[rank_] = value(rank_);
  }

  static void check_rank(size_t rank);

  size_t rank_ = 0;
  std::array<int64_t, kHighestRank> values_{};
};

}  // namespace halfspace
