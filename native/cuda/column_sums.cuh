// Sums down the columns of matrices, in double and in a fixed order: [batch, rows, columns] becomes
// [batch, columns]. An NHWC image is such a matrix, with channels for columns. Every block adds up
// one part of the rows of some columns; a second launch adds the parts. How rows are cut depends on
// the shape alone, so that every device gives the same sums.
#pragma once

#include <bit>

#include "fold.cuh"
#include "grid.cuh"

namespace halfspace::cuda {

struct ColumnCut {
  int64_t batch, rows, columns;
  int lanes;          // neighbouring columns of a block, a power of two
  int64_t tiles;      // of `lanes` columns
  int64_t parts;      // of the rows
  int64_t part_rows;  // rows of a part

  ColumnCut(int64_t batch, int64_t rows, int64_t columns)
      : batch(batch), rows(rows), columns(columns) {
    constexpr int64_t kLanes = 32, kBlocks = 1024, kLeastTurns = 8;
    lanes = static_cast<int>(std::min<int64_t>(
        kLanes, std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(columns, 1)))));
    tiles = ceil_div(columns, lanes);
    const int64_t rows_at_once = kThreads / lanes;
    const int64_t useful = ceil_div(rows, rows_at_once * kLeastTurns);
    const int64_t wanted = ceil_div(kBlocks, std::max<int64_t>(batch * tiles, 1));
    parts = std::max<int64_t>(1, std::min(useful, wanted));
    part_rows = ceil_div(rows, parts);
  }

  size_t scratch_bytes(int sums) const {
    return static_cast<size_t>(batch * parts * sums * columns) * sizeof(double);
  }
};

// partial [batch, parts, kSums, columns]
template <int kSums, class Term>
__global__ void sum_parts(Term term, ColumnCut cut, double* partial) {
  const int lane = static_cast<int>(threadIdx.x) % cut.lanes;
  const int row = static_cast<int>(threadIdx.x) / cut.lanes;
  const int64_t column = blockIdx.x % cut.tiles * cut.lanes + lane;
  const int64_t part = blockIdx.x / cut.tiles % cut.parts;
  const int64_t batch = blockIdx.x / cut.tiles / cut.parts;
  const int64_t end = std::min(cut.rows, (part + 1) * cut.part_rows);
  double sums[kSums] = {};
  if (column < cut.columns) {
    const auto add = term.at(batch, column);
#pragma unroll 4
    for (int64_t r = part * cut.part_rows + row; r < end; r += kThreads / cut.lanes) add(r, sums);
  }
  fold_block(sums, cut.lanes);
  if (row > 0 || column >= cut.columns) return;
#pragma unroll
  for (int k = 0; k < kSums; ++k) {
    partial[((batch * cut.parts + part) * kSums + k) * cut.columns + column] = sums[k];
  }
}

template <int kSums, class Finish>
__global__ void finish_columns(Finish finish, ColumnCut cut, const double* partial) {
  const int lane = static_cast<int>(threadIdx.x) % cut.lanes;
  const int row = static_cast<int>(threadIdx.x) / cut.lanes;
  const int64_t column = blockIdx.x % cut.tiles * cut.lanes + lane;
  const int64_t batch = blockIdx.x / cut.tiles;
  double sums[kSums] = {};
  if (column < cut.columns) {
    for (int64_t part = row; part < cut.parts; part += kThreads / cut.lanes) {
#pragma unroll
      for (int k = 0; k < kSums; ++k) {
        sums[k] += partial[((batch * cut.parts + part) * kSums + k) * cut.columns + column];
      }
    }
  }
  fold_block(sums, cut.lanes);
  if (row == 0 && column < cut.columns) finish(batch, column, sums);
}

// For every batch and column: term.at(batch, column) gives a function that adds what a row
// contributes, (row, double (&sums)[kSums]); finish(batch, column, sums) takes the totals.
// `scratch` has cut.scratch_bytes(kSums).
template <int kSums, class Term, class Finish>
void sum_columns(const Context& context, const ColumnCut& cut, const Term& term,
                 const Finish& finish, void* scratch) {
  if (cut.batch * cut.columns == 0) return;
  auto* partial = static_cast<double*>(scratch);
  const auto blocks = [](int64_t count) { return Grid{dim3(block_count(count))}; };
  launch(context.stream(), blocks(cut.batch * cut.parts * cut.tiles), sum_parts<kSums, Term>, term,
         cut, partial);
  launch(context.stream(), blocks(cut.batch * cut.tiles), finish_columns<kSums, Finish>, finish,
         cut, partial);
}

// The elements themselves, of x [batch, rows, columns].
template <class T>
struct ElementTerm {
  const T* x;
  int64_t rows, columns;

  struct Column {
    const T* x;
    int64_t columns;
    __device__ void operator()(int64_t row, double (&sums)[1]) const {
      sums[0] += to_float(x[row * columns]);
    }
  };
  __device__ Column at(int64_t batch, int64_t column) const {
    return {x + batch * rows * columns + column, columns};
  }
};

}  // namespace halfspace::cuda
