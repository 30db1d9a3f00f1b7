#include "chain.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <numeric>
#include <utility>

#include "parallel.h"
#include "sum_rows.h"

namespace halfspace::cpu {
namespace {

// What each slice wrote, `stride` bytes further, added up in order of the slices.
template <class T>
void add_up(const char* partial, int64_t slices, size_t stride, void* sum, int64_t count) {
  sum_rows(reinterpret_cast<const T*>(partial), slices, static_cast<int64_t>(stride / sizeof(T)), count,
           static_cast<T*>(sum));
}

using Clock = std::chrono::steady_clock;

// Kernels made while this lives are for one thread.
class Alone {
 public:
  Alone() { omp_set_num_threads(1); }
  ~Alone() { omp_set_num_threads(team_); }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

 private:
  int team_ = omp_get_max_threads();
};

class ChainKernel final : public Kernel {
 public:
  ChainKernel(const Chain& chain, std::span<KernelCache> lanes, bool timed)
      : slices_(chain.slices),
        backwards_(chain.backwards),
        inputs_(chain.inputs),
        timed_(timed),
        local_bytes_(align_up(chain.local_bytes)) {
    add_operands(chain);
    for (const Link& link : chain.links) calls_.push_back({link.meta.kernel, link.inputs, link.outputs});
    for (KernelCache& cache : lanes) add_lane(chain, cache);
    for (size_t link = 0; link < calls_.size(); ++link) {
      calls_[link].prepared = prepared_bytes_;
      prepared_bytes_ += align_up(lanes_[0].kernels[link]->prepared_bytes());
    }
    lane_bytes_ = local_bytes_ + scratch_;
  }

  size_t scratch_bytes() const override { return lanes_.size() * lane_bytes_ + partial_bytes_; }
  size_t prepared_bytes() const override { return prepared_bytes_; }

  void prepare(const Buffers& buffers) override {
    const Memory memory{buffers, nullptr, nullptr, static_cast<char*>(buffers.prepared)};
    Lane& lane = lanes_[0];
    locate(memory, lane, 0);
    for (size_t link = 0; link < calls_.size(); ++link) {
      lane.kernels[link]->prepare(buffers_of(calls_[link], lane, memory));
    }
  }

  // The links share the time as they spent it, over all lanes.
  void account(const std::string&, double milliseconds, KernelTimes& times) const override {
    std::vector<double> spent(calls_.size());
    for (const Lane& lane : lanes_) {
      for (size_t link = 0; link < spent.size(); ++link) spent[link] += static_cast<double>(lane.spent[link].count());
    }
    const double all = std::max(std::accumulate(spent.begin(), spent.end(), 0.0), 1e-9);
    for (size_t link = 0; link < spent.size(); ++link) {
      times[calls_[link].name].add(milliseconds * spent[link] / all);
    }
  }

  void run(const Buffers& buffers) override {
    auto* scratch = static_cast<char*>(buffers.scratch);
    char* partial = scratch + lanes_.size() * lane_bytes_;
    char* prepared = static_cast<char*>(buffers.prepared);
    for (Lane& lane : lanes_) std::fill(lane.spent.begin(), lane.spent.end(), Clock::duration());
    const auto lanes = static_cast<int64_t>(lanes_.size());
    Shares shares(slices_, lanes, backwards_);
    for_each_lane(shares, lanes, [&](int64_t lane, int64_t slice) {
      try {
        run_slice({buffers, scratch + lane * lane_bytes_, partial, prepared}, lanes_[lane], slice);
      } catch (...) {
        lanes_[lane].failure = std::current_exception();
      }
    });
    for (Lane& lane : lanes_) {
      if (lane.failure) std::rethrow_exception(std::exchange(lane.failure, nullptr));
    }
    for (const Operand& operand : operands_) {
      if (operand.part == Part::Sum) add_up_slices(buffers, operand, partial + operand.offset);
    }
  }

 private:
  // Where an operand lies: `stride` bytes further at every slice, `offset` bytes into lane memory or into the
  // partial sums.
  struct Operand {
    Part part;
    size_t offset, stride;
    size_t output;  // number among the outputs
    DType dtype;
    int64_t count;
  };

  struct Call {
    std::string name;
    std::vector<size_t> inputs, outputs;  // operands
    size_t prepared = 0;                  // bytes into prepared memory
  };

  // The chain's operands, and its own memory: of this lane, of partial sums, and what kernels prepared.
  struct Memory {
    const Buffers& buffers;
    char *lane, *partial, *prepared;
  };

  struct Lane {
    // By link, the kernel and what it spent in this run.
    std::vector<Kernel*> kernels;
    std::vector<Clock::duration> spent;
    // Addresses at the slice that runs, by operand; those of the call that runs.
    std::vector<char*> addresses;
    std::vector<const void*> inputs;
    std::vector<void*> outputs;
    // No exception may leave a thread of a team.
    std::exception_ptr failure;
  };

  void add_operands(const Chain& chain) {
    for (size_t index = 0; index < chain.operands.size(); ++index) {
      const ChainOperand& it = chain.operands[index];
      Operand operand{it.part, it.offset, 0, index - inputs_, it.dtype, it.elements};
      if (it.part == Part::Slice) operand.stride = it.bytes();
      if (it.part == Part::Sum) {
        operand.stride = align_up(it.bytes());
        operand.offset = partial_bytes_;
        partial_bytes_ += slices_ * operand.stride;
      }
      operands_.push_back(operand);
    }
  }

  void add_lane(const Chain& chain, KernelCache& cache) {
    Lane lane;
    size_t most = 0;
    for (const Link& link : chain.links) {
      Kernel& kernel = cache.find(link.meta, *link.kernel);
      scratch_ = std::max(scratch_, align_up(kernel.scratch_bytes()));
      lane.kernels.push_back(&kernel);
      most = std::max({most, link.inputs.size(), link.outputs.size()});
    }
    lane.spent.resize(chain.links.size());
    lane.addresses.resize(chain.operands.size());
    lane.inputs.resize(most);
    lane.outputs.resize(most);
    lanes_.push_back(std::move(lane));
  }

  void run_slice(const Memory& memory, Lane& lane, int64_t slice) const {
    locate(memory, lane, slice);
    for (size_t link = 0; link < calls_.size(); ++link) {
      const auto start = timed_ ? Clock::now() : Clock::time_point();
      lane.kernels[link]->run(buffers_of(calls_[link], lane, memory));
      if (timed_) lane.spent[link] += Clock::now() - start;
    }
  }

  void locate(const Memory& memory, Lane& lane, int64_t slice) const {
    for (size_t index = 0; index < operands_.size(); ++index) lane.addresses[index] = address(memory, index, slice);
  }

  char* address(const Memory& memory, size_t index, int64_t slice) const {
    const Operand& operand = operands_[index];
    if (operand.part == Part::Local) return memory.lane + operand.offset;
    if (operand.part == Part::Sum) return memory.partial + operand.offset + slice * operand.stride;
    // Nobody writes where an input lies.
    const void* base =
        index < inputs_ ? memory.buffers.inputs[index] : memory.buffers.outputs[operand.output];
    return static_cast<char*>(const_cast<void*>(base)) + slice * operand.stride;
  }

  Buffers buffers_of(const Call& call, Lane& lane, const Memory& memory) const {
    for (size_t i = 0; i < call.inputs.size(); ++i) lane.inputs[i] = lane.addresses[call.inputs[i]];
    for (size_t i = 0; i < call.outputs.size(); ++i) lane.outputs[i] = lane.addresses[call.outputs[i]];
    return {{lane.inputs.data(), call.inputs.size()},
            {lane.outputs.data(), call.outputs.size()},
            memory.lane + local_bytes_,
            memory.prepared + call.prepared};
  }

  void add_up_slices(const Buffers& buffers, const Operand& operand, const char* partial) const {
    void* sum = buffers.outputs[operand.output];
    if (operand.dtype == DType::F64) {
      add_up<double>(partial, slices_, operand.stride, sum, operand.count);
    } else {
      add_up<float>(partial, slices_, operand.stride, sum, operand.count);
    }
  }

  int64_t slices_;
  bool backwards_;
  size_t inputs_;
  bool timed_;
  std::vector<Operand> operands_;
  std::vector<Call> calls_;  // by link
  std::vector<Lane> lanes_;
  // Bytes: of local slices and of scratch of one lane, of both; of all partial sums, and what kernels prepare.
  size_t local_bytes_;
  size_t scratch_ = 0;
  size_t lane_bytes_ = 0;
  size_t partial_bytes_ = 0;
  size_t prepared_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_chain(const Chain& chain, std::span<KernelCache> lanes, bool timed) {
  const Alone alone;
  return std::make_unique<ChainKernel>(chain, lanes, timed);
}

}  // namespace halfspace::cpu
