// What the emulation lets tests say and ask that the CUDA runtime has no words for. Environment
// variables say it for a whole process, read at the first call:
//
//   HALFSPACE_EMULATED_CUDA_DEVICES   devices (2; at most 4; 0 for a machine without one)
//   HALFSPACE_EMULATED_CUDA_DRIVER    version of the driver (13000; 0 for none)
//   HALFSPACE_EMULATED_CUDA_RUNTIME   version of the runtime that the engine was built with (13000)
//   HALFSPACE_EMULATED_CUDA_CUDNN     version of CUDA that cuDNN was built for (13000)
//   HALFSPACE_EMULATED_CUDA_FAULT     code of the error that counting the devices ends with (0, none)
//   HALFSPACE_EMULATED_CUDA_ARCH      compute capability (90)
//   HALFSPACE_EMULATED_CUDA_MEMORY    memory of a device in MiB (8192; 0 leaves none for handles of libraries)
//   HALFSPACE_EMULATED_CUDA_PINNED    memory of the host that can be pinned in MiB (8192)
//   HALFSPACE_EMULATED_CUDA_SEED      order of streams, blocks and threads (1; 0 for the plain order)
//   HALFSPACE_EMULATED_CUDA_OFFER     what cuDNN offers of its algorithms: 0 all, 1 those alone whose sums
//                                     have no fixed order, 2 none, 3 all but without memory to try them (0)
//   HALFSPACE_EMULATED_CUDA_FORGET    what does nothing, to plant that fault in a program: 1 waits of
//                                     streams for events, 2 those of the host, 3 the first kernel (0)
//   HALFSPACE_EMULATED_CUDA_JOURNAL   file for the journal of what the program asks for (none)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace halfspace::emulated {

enum class Forgotten { Nothing, WaitsOfStreams, WaitsOfHost, FirstKernel };
enum class Offer { All, NoneRepeatable, None, NoMemory };

struct Options {
  int devices = 2;
  int driver_version = 13000;
  int runtime_version = 13000;
  int cudnn_runtime = 13000;
  int fault = 0;
  int arch = 90;
  size_t memory_bytes = size_t{8192} << 20;
  size_t pinned_bytes = size_t{8192} << 20;
  uint32_t seed = 1;
  Offer offer = Offer::All;
  Forgotten forget = Forgotten::Nothing;
};

// Forgets the last finding and all queued work, ends all streams, events and graphs, frees all memory,
// and starts again with these options. No other thread may be inside a call.
void reset(const Options& options);

// The first finding since the last reset, in words; empty where there is none.
std::string finding();

}  // namespace halfspace::emulated
