// The inputs and outputs of one run: pinned memory that the host uses, and its twin on the device. Two
// of them make the input double-buffered: one travels on the copy stream while the other is worked on.
#pragma once

#include <memory>

#include "graph.h"
#include "memory.h"

namespace halfspace::cuda {

class CudaInOut final : public InOut {
 public:
  // `record`: whether runs may be captured in a graph.
  CudaInOut(std::shared_ptr<Context> context, size_t input_bytes, size_t output_bytes, bool record);
  ~CudaInOut() override;

  char* host() const override { return host_.data(); }
  char* device() const override { return static_cast<char*>(device_.data()); }
  void send() override;
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
  cudaEvent_t arrived_ = nullptr;
  cudaEvent_t fetched_ = nullptr;
  Graph graph_;
};

}  // namespace halfspace::cuda
