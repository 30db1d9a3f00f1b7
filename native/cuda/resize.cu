// Nearest and linear resizing of the rows and columns of an NHWC image, and the gradient. An output
// mixes up to four inputs; backward, an input gathers from the outputs that it went into, in the
// order of memory, so that nothing is added by two threads.
#include "../semantics/interpolation.h"
#include "grid.cuh"
#include "kernels.h"
#include "memory.h"
#include "operands.h"

namespace halfspace::cuda {
namespace {

// y is [N, P, Q, C], x is [N, H, W, C].
struct Shapes {
  int64_t N, H, W, P, Q, C;

  Shapes(const StepMeta& step, const TensorMeta& x, const TensorMeta& y)
      : N(x.dim(0)), H(x.dim(2)), W(x.dim(3)), P(y.dim(2)), Q(y.dim(3)), C(x.dim(1)) {
    step.expect_arity(1, 1, 1, 1);
    expect_image(step, x);
    expect_image(step, y);
    step.expect(y.dim(0) == N && y.dim(1) == C, "resizing keeps batch and channels: ", x.text(),
                " and ", y.text());
  }
};

struct Pixel {
  int64_t n, row, column, channel;
};

// Where item `i` of [N, rows, columns, channels] lies.
__device__ Pixel pixel_at(int64_t i, int64_t rows, int64_t columns, int64_t channels) {
  const int64_t pixel = i / channels, line = pixel / columns;
  return {line / rows, line % rows, pixel % columns, i % channels};
}

template <int kWidth>
__device__ void blend(Vector<kWidth>& low, const Vector<kWidth>& high, float weight) {
#pragma unroll
  for (int lane = 0; lane < kWidth; ++lane) {
    low.at[lane] += weight * (high.at[lane] - low.at[lane]);
  }
}

template <int kWidth, class T>
__global__ void resize(Shapes s, const Mix* rows, const Mix* columns, const T* x, T* y) {
  const int64_t channels = s.C / kWidth;
  for (int64_t i = first_item(); i < s.N * s.P * s.Q * channels; i += item_step()) {
    const Pixel at = pixel_at(i, s.P, s.Q, channels);
    const Mix row = rows[at.row], column = columns[at.column];
    const T* plane = x + at.n * s.H * s.W * s.C + at.channel * kWidth;
    const auto line = [&](int64_t h) {
      Vector<kWidth> result = load<kWidth>(plane + (h * s.W + column.low) * s.C);
      if (column.weight != 0.0f) {
        blend(result, load<kWidth>(plane + (h * s.W + column.high) * s.C), column.weight);
      }
      return result;
    };
    Vector<kWidth> result = line(row.low);
    if (row.weight != 0.0f) blend(result, line(row.high), row.weight);
    store(y + i * kWidth, result);
  }
}

// What an input position gets from an output position.
struct Share {
  int64_t output;
  float weight;
};

// For each position of an axis of x, its shares are shares[begins[i]] to shares[begins[i + 1]].
struct Gather {
  const int64_t* begins;
  const Share* shares;
};

template <int kWidth, class T>
__global__ void resize_backward(Shapes s, Gather rows, Gather columns, const T* dy, T* dx) {
  const int64_t channels = s.C / kWidth;
  for (int64_t i = first_item(); i < s.N * s.H * s.W * channels; i += item_step()) {
    const Pixel at = pixel_at(i, s.H, s.W, channels);
    const T* plane = dy + at.n * s.P * s.Q * s.C + at.channel * kWidth;
    Vector<kWidth> sum = {};
    for (int64_t r = rows.begins[at.row]; r < rows.begins[at.row + 1]; ++r) {
      const Share row = rows.shares[r];
      for (int64_t c = columns.begins[at.column]; c < columns.begins[at.column + 1]; ++c) {
        const Share column = columns.shares[c];
        const auto y = load<kWidth>(plane + (row.output * s.Q + column.output) * s.C);
#pragma unroll
        for (int lane = 0; lane < kWidth; ++lane) {
          sum.at[lane] += row.weight * column.weight * y.at[lane];
        }
      }
    }
    store(dx + i * kWidth, sum);
  }
}

template <class T>
bool takes_vectors(const Shapes& shapes, const Buffers& buffers) {
  return shapes.C % kWide == 0 && is_wide(buffers.in<T>(0)) && is_wide(buffers.out<T>(0));
}

// x -> y
class Resize final : public CudaKernel {
 public:
  explicit Resize(const StepMeta& step)
      : shapes_(step, step.inputs.at(0), step.outputs.at(0)),
        rows_(mixes_of(step, shapes_.H, shapes_.P)),
        columns_(mixes_of(step, shapes_.W, shapes_.Q)),
        count_(step.outputs[0].elements()),
        type_(step.outputs[0].dtype) {}

  void run(const Buffers& buffers) override {
    with_element(type_, [&]<class T>(ElementType<T>) {
      const bool wide = takes_vectors<T>(shapes_, buffers);
      launch(stream(), context_.cover(count_ / (wide ? kWide : 1)),
             wide ? resize<kWide, T> : resize<1, T>, shapes_, rows_.data(), columns_.data(),
             buffers.in<T>(0), buffers.out<T>(0));
    });
  }

 private:
  Shapes shapes_;
  DeviceTable<Mix> rows_, columns_;
  int64_t count_;
  DType type_;
};

// The table of an axis turned around.
class GatherTable {
 public:
  GatherTable(const std::vector<Mix>& mixes, int64_t inputs)
      : GatherTable(shares_of(mixes, inputs)) {}

  Gather gather() const { return {begins_.data(), shares_.data()}; }

 private:
  using Lists = std::vector<std::vector<Share>>;

  explicit GatherTable(const Lists& lists) : begins_(begins_of(lists)), shares_(joined(lists)) {}

  static Lists shares_of(const std::vector<Mix>& mixes, int64_t inputs) {
    Lists lists(inputs);
    for (size_t o = 0; o < mixes.size(); ++o) {
      const Mix& mix = mixes[o];
      lists[mix.low].push_back({static_cast<int64_t>(o), 1.0f - mix.weight});
      if (mix.weight != 0.0f) lists[mix.high].push_back({static_cast<int64_t>(o), mix.weight});
    }
    return lists;
  }
  static std::vector<int64_t> begins_of(const Lists& lists) {
    std::vector<int64_t> begins{0};
    for (const auto& list : lists) begins.push_back(begins.back() + std::ssize(list));
    return begins;
  }
  static std::vector<Share> joined(const Lists& lists) {
    std::vector<Share> all;
    for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
    return all;
  }

  DeviceTable<int64_t> begins_;
  DeviceTable<Share> shares_;
};

// dy -> dx
class ResizeBackward final : public CudaKernel {
 public:
  explicit ResizeBackward(const StepMeta& step)
      : shapes_(step, step.outputs.at(0), step.inputs.at(0)),
        rows_(mixes_of(step, shapes_.H, shapes_.P), shapes_.H),
        columns_(mixes_of(step, shapes_.W, shapes_.Q), shapes_.W),
        count_(step.outputs[0].elements()),
        type_(step.outputs[0].dtype) {}

  void run(const Buffers& buffers) override {
    with_element(type_, [&]<class T>(ElementType<T>) {
      const bool wide = takes_vectors<T>(shapes_, buffers);
      launch(stream(), context_.cover(count_ / (wide ? kWide : 1)),
             wide ? resize_backward<kWide, T> : resize_backward<1, T>, shapes_, rows_.gather(),
             columns_.gather(), buffers.in<T>(0), buffers.out<T>(0));
    });
  }

 private:
  Shapes shapes_;
  GatherTable rows_, columns_;
  int64_t count_;
  DType type_;
};

}  // namespace

std::unique_ptr<Kernel> make_resize(const StepMeta& step) { return std::make_unique<Resize>(step); }

std::unique_ptr<Kernel> make_resize_backward(const StepMeta& step) {
  return std::make_unique<ResizeBackward>(step);
}

}  // namespace halfspace::cuda
