// A tile goes through shared memory, so that rows are read and written whole on both sides. Its
// rows are one float longer than the tile, which spreads a column over all banks.
#include "grid.cuh"
#include "transposition.h"

namespace halfspace::cuda {
namespace {

constexpr int kTile = 32;
constexpr int kTileRows = kThreads / kTile;

// [rows, columns] tiles cover the matrix; `block` counts them over all matrices.
struct Tiling {
  int64_t rows, columns, down, across;
};

template <class From, class To>
__global__ void transpose_tiles(Tiling t, const From* from, To* to) {
  __shared__ float tile[kTile][kTile + 1];
  const int x = static_cast<int>(threadIdx.x) % kTile, y = static_cast<int>(threadIdx.x) / kTile;
  const int64_t first_column = blockIdx.x % t.across * kTile;
  const int64_t first_row = blockIdx.x / t.across % t.down * kTile;
  const int64_t origin = blockIdx.x / t.across / t.down * t.rows * t.columns;
  for (int r = y; r < kTile; r += kTileRows) {
    if (first_row + r < t.rows && first_column + x < t.columns) {
      tile[r][x] = to_float(from[origin + (first_row + r) * t.columns + first_column + x]);
    }
  }
  __syncthreads();
  for (int c = y; c < kTile; c += kTileRows) {
    if (first_column + c < t.columns && first_row + x < t.rows) {
      to[origin + (first_column + c) * t.rows + first_row + x] = to_element<To>(tile[x][c]);
    }
  }
}

template <class From, class To>
__global__ void convert(int64_t count, const From* from, To* to) {
  for (int64_t i = first_item(); i < count; i += item_step()) to[i] = to_element<To>(to_float(from[i]));
}

}  // namespace

void transpose(const Context& context, const Matrices& m, const void* from, DType from_type, void* to,
               DType to_type) {
  const int64_t count = m.batch * m.rows * m.columns;
  if (count == 0) return;
  // A row or a column is its own transpose; tiles would be empty but for a line each.
  const bool flat = m.rows == 1 || m.columns == 1;
  const Tiling tiling{m.rows, m.columns, ceil_div(m.rows, kTile), ceil_div(m.columns, kTile)};
  const Grid grid{dim3(block_count(m.batch * tiling.down * tiling.across))};
  with_element(from_type, [&]<class From>(ElementType<From>) {
    with_element(to_type, [&]<class To>(ElementType<To>) {
      const auto* source = static_cast<const From*>(from);
      auto* target = static_cast<To*>(to);
      if (flat) {
        launch(context.stream(), context.cover(count), convert<From, To>, count, source, target);
      } else {
        launch(context.stream(), grid, transpose_tiles<From, To>, tiling, source, target);
      }
    });
  });
}

std::optional<Matrices> as_matrices(const Walk<2>& walk) {
  const auto& axes = walk.axes();
  if (axes.size() != 2 && axes.size() != 3) return std::nullopt;
  const auto& [columns, column_steps] = axes[axes.size() - 2];
  const auto& [rows, row_steps] = axes[axes.size() - 1];
  const bool turns = column_steps[0] == 1 && column_steps[1] == rows && row_steps[0] == columns &&
                     row_steps[1] == 1;
  if (!turns) return std::nullopt;
  if (axes.size() == 2) return Matrices{1, rows, columns};
  const bool dense = axes[0].steps[0] == rows * columns && axes[0].steps[1] == rows * columns;
  if (!dense) return std::nullopt;
  return Matrices{axes[0].size, rows, columns};
}

}  // namespace halfspace::cuda
