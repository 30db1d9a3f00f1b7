// From JavaScript values to the structs of program.h. Whatever is not what the contract says is a
// TypeError that names the place.
#pragma once

#include <napi.h>

#include "program.h"

namespace halfspace {

Program decode_program(const Napi::Value& value);

// An integer from `low` to `high`; a TypeError or RangeError that starts with `name` otherwise.
int64_t decode_integer(const Napi::Value& value, const std::string& name, int64_t low,
                       int64_t high);

}  // namespace halfspace
