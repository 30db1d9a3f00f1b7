#include "decode.h"

#include <cmath>

namespace halfspace {
namespace {

constexpr int64_t kLargestInteger = int64_t{1} << 53;

[[noreturn]] void type_error(Napi::Env env, const std::string& name, const char* expected) {
  throw Napi::TypeError::New(env, name + " must be " + expected);
}

Napi::Object object(const Napi::Value& value, const std::string& name) {
  if (!value.IsObject()) type_error(value.Env(), name, "an object");
  return value.As<Napi::Object>();
}

std::string text(const Napi::Value& value, const std::string& name) {
  if (!value.IsString()) type_error(value.Env(), name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

double number(const Napi::Value& value, const std::string& name) {
  if (!value.IsNumber()) type_error(value.Env(), name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

int64_t integer(const Napi::Value& value, const std::string& name) {
  return decode_integer(value, name, -kLargestInteger, kLargestInteger);
}

// What `decode` makes of each element. A handle scope an element keeps long lists cheap.
template <class Decode>
auto list(const Napi::Value& value, const std::string& name, Decode decode) {
  if (!value.IsArray()) type_error(value.Env(), name, "an array");
  auto array = value.As<Napi::Array>();
  std::vector<decltype(decode(value, name))> result;
  uint32_t length = array.Length();
  for (uint32_t index = 0; index < length; ++index) {
    Napi::HandleScope scope(value.Env());
    result.push_back(decode(array.Get(index), name));
  }
  return result;
}

DType dtype(const Napi::Value& value, const std::string& name) {
  std::string type = text(value, name);
  if (type == "f32") return DType::F32;
  if (type == "f64") return DType::F64;
  if (type == "i32") return DType::I32;
  type_error(value.Env(), name, "f32, f64 or i32");
}

size_t index(const Napi::Value& value, const std::string& name) {
  return static_cast<size_t>(decode_integer(value, name, 0, kLargestInteger));
}

Attribute attribute(const Napi::Value& value, const std::string& name) {
  if (value.IsNumber()) return number(value, name);
  if (value.IsString()) return text(value, name);
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
  if (value.IsArray()) return list(value, name, number);
  type_error(value.Env(), name, "a number, a string, a boolean or an array of numbers");
}

Attributes attributes(const Napi::Value& value, const std::string& name) {
  Napi::Object source = object(value, name);
  std::map<std::string, Attribute> result;
  Napi::Array names = source.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    std::string key = text(names.Get(i), name);
    Napi::Value item = source.Get(key);
    if (!item.IsUndefined()) result.emplace(key, attribute(item, name + "." + key));
  }
  return Attributes(std::move(result));
}

Arena arena(const Napi::Value& value, const std::string& name) {
  Napi::Object source = object(value, name);
  return {text(source.Get("name"), name + ".name"), dtype(source.Get("dtype"), name + ".dtype"),
          integer(source.Get("length"), name + ".length")};
}

Storage storage(const Napi::Value& value, const std::string& name) {
  Napi::Object source = object(value, name);
  std::string kind = text(source.Get("kind"), name + ".kind");
  if (kind == "input") return {StorageKind::Input};
  if (kind == "output") return {StorageKind::Output};
  if (kind == "temporary") return {StorageKind::Temporary};
  if (kind != "arena") {
    type_error(value.Env(), name + ".kind", "arena, input, output or temporary");
  }
  return {StorageKind::Arena, index(source.Get("arena"), name + ".arena"),
          integer(source.Get("offset"), name + ".offset")};
}

Tensor tensor(const Napi::Value& value, const std::string& name) {
  Napi::Object source = object(value, name);
  return {text(source.Get("name"), name + ".name"), dtype(source.Get("dtype"), name + ".dtype"),
          list(source.Get("shape"), name + ".shape", integer),
          storage(source.Get("storage"), name + ".storage")};
}

Step step(const Napi::Value& value, const std::string& name) {
  Napi::Object source = object(value, name);
  return {text(source.Get("kernel"), name + ".kernel"),
          list(source.Get("inputs"), name + ".inputs", index),
          list(source.Get("outputs"), name + ".outputs", index),
          attributes(source.Get("attrs"), name + ".attrs"),
          text(source.Get("label"), name + ".label")};
}

Entry entry(const Napi::Value& value, const std::string& name) {
  Napi::Object source = object(value, name);
  return {text(source.Get("name"), name + ".name"),
          list(source.Get("inputs"), name + ".inputs", index),
          list(source.Get("outputs"), name + ".outputs", index),
          list(source.Get("steps"), name + ".steps", step)};
}

}  // namespace

int64_t decode_integer(const Napi::Value& value, const std::string& name, int64_t low,
                       int64_t high) {
  double decoded = number(value, name);
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

Program decode_program(const Napi::Value& value) {
  Napi::Object source = object(value, "program");
  return {text(source.Get("device"), "program.device"),
          list(source.Get("arenas"), "program.arenas", arena),
          list(source.Get("tensors"), "program.tensors", tensor),
          list(source.Get("entries"), "program.entries", entry)};
}

}  // namespace halfspace
