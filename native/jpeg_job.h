// JPEG files for JavaScript: their size at once, their pixels on the threads that Node has for such work.
#pragma once

#include <napi.h>

namespace halfspace {

// jpegSize(file) -> [width, height], or undefined where the colours need another decoder
Napi::Value jpeg_size(const Napi::CallbackInfo& info);

// decodeJpeg(file, frame, out) -> promise; fills `out`, [3, outputHeight, outputWidth]. Both arrays must
// be left alone until then.
Napi::Value decode_jpeg_file(const Napi::CallbackInfo& info);

}  // namespace halfspace
