// From an address of code to the function and line it belongs to, for messages.
#pragma once

#include <string>

namespace halfspace::emulated {

// `kernel<4> at softmax.cu:31` where the debug information tells, else `code at library.so+0x1234`.
std::string describe_code(const void* code);

}  // namespace halfspace::emulated
