// Images for JavaScript: short work at once, decoding on the threads that Node has for such work.
#pragma once

#include <napi.h>

namespace halfspace {

// jpegSize(file) -> [width, height], or undefined where the colours need another decoder
Napi::Value jpeg_size(const Napi::CallbackInfo& info);

// decodeJpeg(file, frame, out) -> promise; fills `out`, [3, outputHeight, outputWidth]. Both arrays must
// be left alone until then.
Napi::Value decode_jpeg_file(const Napi::CallbackInfo& info);

// resamplePixels(pixels, size, frame, out): cuts and scales bytes [channels, height, width] to `out`,
// [channels, outputHeight, outputWidth]
Napi::Value resample_pixels(const Napi::CallbackInfo& info);

// mirrorPixels(pixels, width, out): rows of `width` bytes from right to left
Napi::Value mirror_pixels(const Napi::CallbackInfo& info);

// normalizePixels(pixels, table, out): out = table[channel][pixel] for bytes [C, H, W] and a table [C, 256]
Napi::Value normalize_pixels(const Napi::CallbackInfo& info);

}  // namespace halfspace
