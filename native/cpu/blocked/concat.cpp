// Concatenation and its inverse, split. Along any axis but the channels of a blocked image both are
// copies of contiguous runs; along blocked channels a run is one block of a plane where both sides
// are aligned to blocks, and single lanes of every pixel where they are not.
#include "../../semantics/joining.h"
#include "block.h"
#include "kernels.h"

namespace halfspace::cpu::HALFSPACE_WIDE {
namespace {

// The whole tensor is [outer][sum of runs]; part i owns `runs[i]` contiguous floats of each row.
struct Runs {
  int64_t outer = 1;
  std::vector<int64_t> runs;
  std::vector<int64_t> offsets;
  int64_t row = 0;
};

Runs runs_of(const std::vector<TensorMeta>& parts, size_t axis) {
  Runs result;
  const TensorMeta& first = parts[0];
  for (size_t i = 0; i < axis; ++i) {
    result.outer *= first.is_blocked() && i == 1 ? first.blocks() : first.dim(i);
  }
  for (const TensorMeta& part : parts) {
    const int64_t run = result.outer == 0 ? 0 : part.stored_elements() / result.outer;
    result.runs.push_back(run);
    result.offsets.push_back(result.row);
    result.row += run;
  }
  return result;
}

// Consecutive channels that one block of a destination takes from one block of a source.
struct Segment {
  size_t source;
  int64_t source_block, source_lane;
  int64_t lane, lanes;
  // Both sides start at lane 0 and nothing else enters this block: copy it whole, padding included.
  bool whole;
};

// `count` channels of an image, from `first` on.
struct ChannelRange {
  size_t source;
  int64_t first, count, source_channels;
};

// For each block of the destination, which consists of `ranges` one after another.
std::vector<std::vector<Segment>> segments_of(const std::vector<ChannelRange>& ranges) {
  std::vector<std::vector<Segment>> blocks;
  int64_t channel = 0;
  for (const ChannelRange& range : ranges) {
    for (int64_t done = 0; done < range.count;) {
      const int64_t from = range.first + done, lane = channel % kBlock;
      const int64_t lanes = std::min({range.count - done, kBlock - lane, kBlock - from % kBlock});
      if (lane == 0) blocks.emplace_back();
      blocks.back().push_back({range.source, from / kBlock, from % kBlock, lane, lanes, false});
      done += lanes;
      channel += lanes;
    }
  }
  for (auto& block : blocks) {
    Segment& s = block[0];
    const bool to_the_end = s.source_block * kBlock + s.lanes == ranges[s.source].source_channels;
    s.whole = block.size() == 1 && s.source_lane == 0 && (s.lanes == kBlock || to_the_end);
  }
  return blocks;
}

void copy_lanes(const Segment& s, const float* source, float* destination, int64_t pixels) {
  for (int64_t p = 0; p < pixels; ++p) {
    for (int64_t lane = 0; lane < s.lanes; ++lane) {
      destination[p * kBlock + s.lane + lane] = source[p * kBlock + s.source_lane + lane];
    }
  }
}

// Fills one blocked image from channels of others.
class ChannelCopy {
 public:
  ChannelCopy(const TensorMeta& destination, const std::vector<TensorMeta>& sources,
              const std::vector<ChannelRange>& ranges)
      : destination_(destination), segments_(segments_of(ranges)) {
    for (const TensorMeta& source : sources) sources_.emplace_back(source);
  }

  template <class SourceOf>
  void run(float* destination, SourceOf&& source_of) const {
    parallel_for(destination_.planes(), destination_.stored(), [&](int64_t plane) {
      const int64_t n = plane / destination_.blocks, block = plane % destination_.blocks;
      float* to = destination + plane * destination_.plane();
      if (!segments_[block][0].whole) std::memset(to, 0, destination_.plane() * sizeof(float));
      for (const Segment& s : segments_[block]) {
        const Image& image = sources_[s.source];
        const float* from =
            source_of(s.source) + (n * image.blocks + s.source_block) * image.plane();
        if (s.whole)
          std::memcpy(to, from, destination_.plane() * sizeof(float));
        else
          copy_lanes(s, from, to, destination_.pixels());
      }
    });
  }

 private:
  Image destination_;
  std::vector<Image> sources_;
  std::vector<std::vector<Segment>> segments_;
};

bool along_blocked_channels(const TensorMeta& whole, size_t axis) {
  return whole.is_blocked() && axis == 1;
}

class ConcatRuns : public Kernel {
 public:
  explicit ConcatRuns(Runs runs) : runs_(std::move(runs)) {}

  void run(const Buffers& buffers) override {
    parallel_for(runs_.outer, runs_.outer * runs_.row, [&](int64_t row) {
      for (size_t i = 0; i < runs_.runs.size(); ++i) {
        std::memcpy(buffers.out(0) + row * runs_.row + runs_.offsets[i],
                    buffers.in(i) + row * runs_.runs[i], runs_.runs[i] * sizeof(float));
      }
    });
  }

 private:
  Runs runs_;
};

class SplitRuns : public Kernel {
 public:
  explicit SplitRuns(Runs runs) : runs_(std::move(runs)) {}

  void run(const Buffers& buffers) override {
    parallel_for(runs_.outer, runs_.outer * runs_.row, [&](int64_t row) {
      for (size_t i = 0; i < runs_.runs.size(); ++i) {
        std::memcpy(buffers.out(i) + row * runs_.runs[i],
                    buffers.in(0) + row * runs_.row + runs_.offsets[i],
                    runs_.runs[i] * sizeof(float));
      }
    });
  }

 private:
  Runs runs_;
};

class ConcatChannels : public Kernel {
 public:
  explicit ConcatChannels(const StepMeta& step)
      : copy_(step.outputs[0], step.inputs, ranges_of(step.inputs)) {}

  void run(const Buffers& buffers) override {
    copy_.run(buffers.out(0), [&](size_t source) { return buffers.in(source); });
  }

 private:
  static std::vector<ChannelRange> ranges_of(const std::vector<TensorMeta>& parts) {
    std::vector<ChannelRange> ranges;
    for (const TensorMeta& part : parts)
      ranges.push_back({ranges.size(), 0, part.dim(1), part.dim(1)});
    return ranges;
  }

  ChannelCopy copy_;
};

class SplitChannels : public Kernel {
 public:
  explicit SplitChannels(const StepMeta& step) {
    int64_t first = 0;
    for (const TensorMeta& part : step.outputs) {
      const ChannelRange range{0, first, part.dim(1), step.inputs[0].dim(1)};
      copies_.emplace_back(part, step.inputs, std::vector{range});
      first += part.dim(1);
    }
  }

  void run(const Buffers& buffers) override {
    for (size_t i = 0; i < copies_.size(); ++i) {
      copies_[i].run(buffers.out(i), [&](size_t) { return buffers.in(0); });
    }
  }

 private:
  std::vector<ChannelCopy> copies_;
};

}  // namespace

std::unique_ptr<Kernel> make_concat(const StepMeta& step) {
  step.expect_arity(1, step.inputs.size(), 1, 1);
  const size_t axis = joined_axis(step, step.inputs, step.outputs[0]);
  if (along_blocked_channels(step.outputs[0], axis)) return std::make_unique<ConcatChannels>(step);
  return std::make_unique<ConcatRuns>(runs_of(step.inputs, axis));
}

std::unique_ptr<Kernel> make_split(const StepMeta& step) {
  step.expect_arity(1, 1, 1, step.outputs.size());
  const size_t axis = joined_axis(step, step.outputs, step.inputs[0]);
  if (along_blocked_channels(step.inputs[0], axis)) return std::make_unique<SplitChannels>(step);
  return std::make_unique<SplitRuns>(runs_of(step.outputs, axis));
}

}  // namespace halfspace::cpu::HALFSPACE_WIDE
