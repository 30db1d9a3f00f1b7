// Shares: every piece is done once, in order within a share, and a lane that is late loses its pieces to others.
#include "cpu/shares.h"

#include <thread>

#include "tests.h"

using halfspace::check;
using halfspace::ErrorCode;
using halfspace::cpu::Shares;

namespace {

using Pieces = std::vector<int64_t>;

Pieces pieces_of(Shares& shares, int64_t lane) {
  Pieces pieces;
  shares.work(lane, [&](int64_t piece) { pieces.push_back(piece); });
  return pieces;
}

void expect_pieces(const Pieces& expected, const Pieces& actual) {
  std::string text;
  for (int64_t piece : actual) text += " " + std::to_string(piece);
  check(actual == expected, ErrorCode::Internal, "unexpected pieces or order:", text);
}

template <class Visit>
void for_each_size(Visit&& visit) {
  for (int64_t count : {0, 1, 7, 64, 1000}) {
    for (int64_t lanes : {1, 2, 3, 8}) visit(count, lanes);
  }
}

void all_at_once(int64_t count, int64_t lanes, bool downwards) {
  Shares shares(count, lanes, downwards);
  std::vector<std::atomic<int>> done(count);
  std::vector<std::thread> team;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    team.emplace_back([&, lane] { shares.work(lane, [&](int64_t piece) { ++done[piece]; }); });
  }
  for (std::thread& thread : team) thread.join();
  for (int64_t piece = 0; piece < count; ++piece) {
    check(done[piece] == 1, ErrorCode::Internal, "piece ", piece, " of ", count, " was done ", done[piece].load(),
          " times by ", lanes, " lanes");
  }
}

}  // namespace

TEST("all lanes at once do every piece once") {
  for_each_size([](int64_t count, int64_t lanes) {
    for (bool downwards : {false, true}) all_at_once(count, lanes, downwards);
  });
}

TEST("a lane that works alone does every piece") {
  for_each_size([](int64_t count, int64_t lanes) {
    Shares shares(count, lanes);
    Pieces pieces = pieces_of(shares, lanes - 1), all;
    std::sort(pieces.begin(), pieces.end());
    for (int64_t piece = 0; piece < count; ++piece) all.push_back(piece);
    expect_pieces(all, pieces);
    expect_pieces({}, pieces_of(shares, 0));
  });
}

TEST("what a late lane has not begun is taken from the end of its share") {
  Shares shares(6, 2);
  Pieces others;
  shares.work(0, [&](int64_t piece) {
    if (piece == 0) others = pieces_of(shares, 1);
  });
  expect_pieces({3, 4, 5, 2, 1}, others);
}

TEST("shares are gone through upwards or downwards") {
  Shares upwards(4, 2), downwards(4, 2, true);
  expect_pieces({0, 1, 3, 2}, pieces_of(upwards, 0));
  expect_pieces({1, 0, 2, 3}, pieces_of(downwards, 0));
}
