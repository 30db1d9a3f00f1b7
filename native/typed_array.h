// Typed arrays of the caller: what one is, and where its elements lie.
#pragma once

#include <napi.h>

namespace halfspace {

inline bool is_array_of(const Napi::Value& value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

// Never through ArrayBuffer(): an empty array has a null address, a shared one no ArrayBuffer.
inline void* address(const Napi::TypedArray& array) {
  void* data = nullptr;
  napi_get_typedarray_info(array.Env(), array, nullptr, nullptr, &data, nullptr, nullptr);
  return data;
}

}  // namespace halfspace
