// What the program asked for, one line a request and in its order, for tests of how it goes about its
// work. Nothing is written unless HALFSPACE_EMULATED_CUDA_JOURNAL names a file:
//
//   queue STREAM NAME     work for a stream, which is a number or `default`
//   capture STREAM NAME   the same, into the graph that the stream captures
//   replay STREAM         a graph for a stream
//   wait STREAM           the stream shall wait for an event of another
//   search                the fastest algorithm of a convolution
#pragma once

#include <initializer_list>
#include <string>

namespace halfspace::emulated {

// A line of these words.
void note(std::initializer_list<std::string> words);

}  // namespace halfspace::emulated
