// Runs the threads of a block as fibers: one after another, each until it waits. Knows barriers, the
// meetings of warps, and what it means that some threads are missing.
#pragma once

#include <functional>
#include <source_location>
#include <string>

#include "vector_types.h"

namespace halfspace::emulated {

struct Grid {
  dim3 blocks;
  dim3 threads;
  const void* kernel;
};

// Runs `thread` for every thread of the grid; returns early after a finding.
void run_grid(const Grid& grid, const std::function<void()>& thread);

// Whether the calling thread of the host is inside of run_grid.
bool is_in_kernel();
// Gives up the launch from inside one of its threads, after a report.
[[noreturn]] void leave_kernel();

// Whether the thread of that number belongs to the block that runs.
bool same_block(uint32_t thread);
// Whether a barrier or fence stands between what that thread did and the running one. Inside of a block
// any barrier counts, so that only blocks without one are searched for races in global memory.
bool threads_are_ordered(uint32_t other);

// How often the running thread's block, and its warp, have passed a barrier; both only grow.
uint32_t block_epoch();
uint32_t first_epoch_of_block();
uint16_t warp_epoch();
// The running thread's number in its block.
uint32_t thread_in_block();

// `kernel at softmax.cu:31, block (0,0,0), thread (3,0,0)`.
std::string describe_thread(const void* code);
std::string describe_thread(std::source_location place);

}  // namespace halfspace::emulated
