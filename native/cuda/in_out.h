// The inputs and outputs of one run: pinned memory that the host uses, and its twin on the device. Two
// of them make the input double-buffered: one travels on the copy stream while the other is worked on.
// A run waits for its inputs by an event. Inputs need not wait for a run: it has ended on the host's side
// before anybody fills the memory again. Each has a graph of its own, since a graph works on fixed
// addresses; one graph for both would have to copy all inputs once more.
#pragma once

#include <memory>

#include "graph.h"
#include "memory.h"

namespace halfspace::cuda {

class Event {
 public:
  explicit Event(unsigned flags);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  operator cudaEvent_t() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

class CudaInOut final : public InOut {
 public:
  // `record`: whether runs may be captured in a graph.
  CudaInOut(std::shared_ptr<Context> context, size_t input_bytes, size_t output_bytes, bool record);
  ~CudaInOut() override;

  char* host() const override { return host_.data(); }
  char* device() const override { return static_cast<char*>(device_.data()); }
  void send(size_t offset, size_t bytes) override;
  void run(const std::function<void()>& steps) override;

 private:
  void launch(const std::function<void()>& steps);
  void fetch();

  std::shared_ptr<Context> context_;
  size_t input_bytes_;
  size_t output_bytes_;
  bool record_;
  bool warm_ = false;
  PinnedMemory host_;
  DeviceMemory device_;
  Event arrived_;
  Event fetched_;
  Graph graph_;
};

}  // namespace halfspace::cuda
