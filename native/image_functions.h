// Images for JavaScript: short work at once, decoding on the threads that Node has for such work.
#pragma once

#include <napi.h>

namespace halfspace {

// openImage(path) -> promise of {picture, width, height}, or of the bytes of a file that needs another decoder
Napi::Value open_image(const Napi::CallbackInfo& info);

// decodeJpeg(picture, frame, out) -> promise; fills `out`, [3, outputHeight, outputWidth], which must be left
// alone until then. Once for each picture.
Napi::Value decode_jpeg(const Napi::CallbackInfo& info);

// resamplePixels(pixels, size, frame, out): cuts and scales bytes [channels, height, width] to `out`,
// [channels, outputHeight, outputWidth]
Napi::Value resample_pixels(const Napi::CallbackInfo& info);

// mirrorPixels(pixels, width, out): rows of `width` bytes from right to left
Napi::Value mirror_pixels(const Napi::CallbackInfo& info);

// normalizePixels(pixels, table, out): out = table[channel][pixel] for bytes [C, H, W] and a table [C, 256]
Napi::Value normalize_pixels(const Napi::CallbackInfo& info);

}  // namespace halfspace
