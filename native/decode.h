// Arguments of JavaScript that are more than a number or an array. Whatever is not what the contract
// says is a TypeError or RangeError that names the place.
#pragma once

#include <napi.h>

#include "encoding.h"

namespace halfspace {

Encoding decode_encoding(const Napi::Value& value);

// An integer from `low` to `high`; a TypeError or RangeError that starts with `name` otherwise.
int64_t decode_integer(const Napi::Value& value, const std::string& name, int64_t low,
                       int64_t high);

}  // namespace halfspace
