// A convolution by minimal filtering, cut into tiles and transformed channels.
//
// With a stride, the pixels of each residue modulo the stride form an image of their own, a phase, and the
// taps that meet it a filter of their own: a strided convolution is a plain one over all phases of its input,
// and the gradient of its input a plain one for each of them.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "../device.h"
#include "winograd_tiles.h"

namespace halfspace::cpu::HALFSPACE_WIDE {

// The images on one side of a convolution. A part is one block of channels in one phase; a group has its parts
// phase by phase.
struct Side {
  int64_t H, W;
  int64_t stride;
  int64_t channels;  // of a group; whole blocks where there are several groups

  int64_t blocks() const { return ceil_div(channels, kBlock); }
  int64_t phases() const { return stride * stride; }
  int64_t parts() const { return phases() * blocks(); }
  int64_t phase(int64_t part) const { return part / blocks(); }
  // Pixels of a phase along the axes, at most.
  int64_t rows() const { return ceil_div(H, stride); }
  int64_t columns() const { return ceil_div(W, stride); }

  // Where a part begins, `plane` blocks of channels after the first image's first.
  int64_t offset(int64_t plane, int64_t part) const {
    const int64_t h = phase(part) / stride, w = phase(part) % stride;
    return (((plane + part % blocks()) * H + h) * W + w) * kBlock;
  }

  // Tiles of a part.
  TileRow tiles(int64_t part, int64_t h, int64_t w, int64_t count) const {
    const int64_t rows = ceil_div(H - phase(part) / stride, stride);
    const int64_t columns = ceil_div(W - phase(part) % stride, stride);
    return {rows, columns, stride * W * kBlock, stride * kBlock, h, w, count};
  }
};

// Whole runs of tiles.
inline int64_t padded(int64_t tiles) { return ceil_div(tiles, kTogether) * kTogether; }

// What keeps the positions of a part apart: planes of a power of two would all fall on the same few lines of
// the cache.
inline constexpr int64_t kGap = 16;

// Filters between a block of inputs and one of outputs.
inline constexpr int64_t kSquare = kBlock * kBlock;

// Floats of one position of a part: of tiles, of filters.
inline int64_t tile_plane(int64_t tiles) { return tiles * kBlock + kGap; }
inline int64_t filter_plane(int64_t inputs) { return inputs * kSquare + kGap; }

// Tiles side by side among those of a batch, numbered image by image and row by row: the corner of the first
// in what is written, in pixels of a phase, and how many tiles come before in this run.
struct Corner {
  int64_t image, h, w;
  int64_t count, before;
};

// Tiles [begin, end) of the channels of a group.
struct Strip {
  int64_t group, begin, end;
};

// What the kernels of all three directions have in common. Transformed filters are
// [groups][out.parts()][positions][filter_plane].
struct Winograd {
  const MinimalFilter& minimal;
  int64_t batch, groups;
  Side in, out;
  // Pixels of a phase that a patch reaches beyond the corner of its tile.
  int64_t top, left;

  int64_t rows() const { return ceil_div(out.rows(), minimal.tile); }
  int64_t columns() const { return ceil_div(out.columns(), minimal.tile); }
  int64_t tiles() const { return batch * rows() * columns(); }

  // Floats of all transformed filters, and where those of a group begin.
  int64_t filters() const { return filters_before(groups); }
  int64_t filters_before(int64_t group) const {
    return group * out.parts() * minimal.positions() * filter_plane(in.parts());
  }

  TileProduct product(int64_t tiles) const {
    return {minimal.positions(), in.parts(),          out.parts(), tiles,
            tile_plane(tiles),   filter_plane(in.parts())};
  }

  // Where a part of an image begins.
  int64_t offset(const Side& side, int64_t image, int64_t group, int64_t part) const {
    return side.offset((image * groups + group) * side.blocks(), part);
  }
  TileRow outputs(const Corner& corner, int64_t part) const {
    return out.tiles(part, corner.h, corner.w, corner.count);
  }

  // Transforms the patches of one part of x, or the tiles of one part of dy.
  void transform_patches(const float* x, const Strip& strip, int64_t part, Positions<float> v) const {
    transform(minimal.patches, in, top, left, x, strip, part, v);
  }
  void transform_gradients(const float* dy, const Strip& strip, int64_t part, Positions<float> m) const {
    transform(minimal.gradients, out, 0, 0, dy, strip, part, m);
  }

  // Calls body(corner) for each row of tiles among [begin, end).
  template <class Body>
  void each_row(int64_t begin, int64_t end, Body&& body) const {
    for (int64_t tile = begin; tile < end;) {
      const int64_t column = tile % columns(), line = tile / columns();
      const int64_t count = std::min(end - tile, columns() - column);
      body(Corner{line / rows(), line % rows() * minimal.tile, column * minimal.tile, count, tile - begin});
      tile += count;
    }
  }

 private:
  // Windows begin `above` and `before` the corners of their tiles.
  void transform(decltype(MinimalFilter::patches) kernel, const Side& side, int64_t above, int64_t before,
                 const float* images, const Strip& strip, int64_t part, Positions<float> to) const {
    each_row(strip.begin, strip.end, [&](const Corner& corner) {
      const TileRow row = side.tiles(part, corner.h - above, corner.w - before, corner.count);
      kernel(row, images + offset(side, corner.image, strip.group, part),
             {to.data + corner.before * kBlock, to.stride});
    });
  }
};

// A tap of the minimal filter, and the one of the plain filter that it is.
struct Tap {
  int64_t minimal, plain;
};

// Where filter (k, c) of a group lies in a plain weight, and which of its taps each phase meets, in the order of
// the minimal filter.
struct FilterOrder {
  int64_t group_stride, output_stride, input_stride;
  std::vector<std::vector<Tap>> phases;
};

// The taps of a block of inputs and a block of outputs, [inputs][taps][outputs]. A whole block, because a vector
// that is read right after its numbers were written one by one waits until they have left the core.
using BlockOfTaps = float[kBlock][kMostTaps * kBlock];

// The filters of a group from one part of its inputs to one of its outputs.
struct FilterBlock {
  int64_t group, output, input;
};

// Calls move(number of the weight, number of `taps`) for all taps of a block that the weight has.
template <class Float, class Move>
void each_tap(const Winograd& winograd, const FilterOrder& order, const FilterBlock& block, Float* weight,
              BlockOfTaps& taps, Move&& move) {
  const Side &in = winograd.in, &out = winograd.out;
  const int64_t k = block.output % out.blocks() * kBlock, c = block.input % in.blocks() * kBlock;
  const int64_t outputs = std::min(kBlock, out.channels - k), inputs = std::min(kBlock, in.channels - c);
  // One side has but one phase.
  const std::vector<Tap>& phase = order.phases[in.phase(block.input) + out.phase(block.output)];
  Float* first = weight + block.group * order.group_stride + k * order.output_stride + c * order.input_stride;
  for (int64_t lane = 0; lane < outputs; ++lane) {
    for (int64_t channel = 0; channel < inputs; ++channel) {
      Float* filter = first + lane * order.output_stride + channel * order.input_stride;
      for (const Tap& tap : phase) move(filter[tap.plain], taps[channel][tap.minimal * kBlock + lane]);
    }
  }
}

// y = w * x + b, or dx = transpose(w) * dy: winograd_filter.cpp.
std::unique_ptr<Kernel> make_filter(const Winograd& winograd, FilterOrder order, bool bias, bool relu);

// dw = dy * x and db = sum of dy: winograd_gradient.cpp.
std::unique_ptr<Kernel> make_filter_gradient(const Winograd& winograd, FilterOrder order, bool bias);

}  // namespace halfspace::cpu::HALFSPACE_WIDE
