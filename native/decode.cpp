#include "decode.h"

#include <cmath>

#include "typed_array.h"

namespace halfspace {

int64_t decode_integer(const Napi::Value& value, const std::string& name, int64_t low,
                       int64_t high) {
  if (!value.IsNumber()) throw Napi::TypeError::New(value.Env(), name + " must be a number");
  double decoded = value.As<Napi::Number>().DoubleValue();
  // Written so that NaN fails too.
  bool fits = std::trunc(decoded) == decoded && decoded >= static_cast<double>(low) &&
              decoded <= static_cast<double>(high);
  if (!fits) {
    throw Napi::RangeError::New(value.Env(), name + " must be an integer from " +
                                                 std::to_string(low) + " to " +
                                                 std::to_string(high));
  }
  return static_cast<int64_t>(decoded);
}

// The numbers are copied last: a getter of the caller may change them.
Encoding decode_encoding(const Napi::Value& value) {
  Napi::Env env = value.Env();
  if (!value.IsObject()) throw Napi::TypeError::New(env, "program must be an object");
  auto source = value.As<Napi::Object>();
  Napi::Value texts = source.Get("texts");
  Napi::Value numbers = source.Get("numbers");
  if (!texts.IsArray()) throw Napi::TypeError::New(env, "program.texts must be an array");
  if (!is_array_of(numbers, napi_float64_array)) {
    throw Napi::TypeError::New(env, "program.numbers must be a Float64Array");
  }
  Encoding encoding;
  auto array = texts.As<Napi::Array>();
  uint32_t length = array.Length();
  for (uint32_t index = 0; index < length; ++index) {
    Napi::HandleScope scope(env);  // keeps long lists cheap
    Napi::Value text = array.Get(index);
    if (!text.IsString()) throw Napi::TypeError::New(env, "program.texts must hold strings");
    encoding.texts.push_back(text.As<Napi::String>().Utf8Value());
  }
  auto elements = numbers.As<Napi::Float64Array>();
  auto* first = static_cast<const double*>(address(elements));
  encoding.numbers.assign(first, first + elements.ElementLength());
  return encoding;
}

}  // namespace halfspace
