#include "image_functions.h"

#include "decode.h"
#include "images/jpeg.h"
#include "images/mirror.h"
#include "images/resample.h"
#include "session.h"
#include "typed_array.h"

namespace halfspace {
namespace {

// Decoded sizes are limited by the file; this keeps what is asked of them within an int.
constexpr int64_t kMostSide = 1 << 16;

constexpr size_t kLevels = 256;  // of a byte

Napi::Uint8Array bytes_at(const Napi::CallbackInfo& info, size_t argument, const char* name) {
  if (is_array_of(info[argument], napi_uint8_array)) return info[argument].As<Napi::Uint8Array>();
  throw Napi::TypeError::New(info.Env(), std::string(name) + " must be a Uint8Array");
}

Napi::Float32Array floats_at(const Napi::CallbackInfo& info, size_t argument, const char* name) {
  if (is_array_of(info[argument], napi_float32_array)) return info[argument].As<Napi::Float32Array>();
  throw Napi::TypeError::New(info.Env(), std::string(name) + " must be a Float32Array");
}

uint8_t* elements(const Napi::Uint8Array& array) { return static_cast<uint8_t*>(address(array)); }
float* elements(const Napi::Float32Array& array) { return static_cast<float*>(address(array)); }

Bytes file_at(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array array = bytes_at(info, 0, "file");
  return {elements(array), array.ByteLength()};
}

// A property that counts pixels or planes, from `low` on.
int side(const Napi::Object& source, const char* name, int64_t low = 1) {
  return static_cast<int>(decode_integer(source.Get(name), name, low, kMostSide));
}

Napi::Object object_at(const Napi::CallbackInfo& info, size_t argument, const char* name) {
  if (info[argument].IsObject()) return info[argument].As<Napi::Object>();
  throw Napi::TypeError::New(info.Env(), std::string(name) + " must be an object");
}

Frame frame_at(const Napi::CallbackInfo& info, size_t argument) {
  const Napi::Object frame = object_at(info, argument, "frame");
  return {side(frame, "left", 0),      side(frame, "top", 0),
          side(frame, "width"),        side(frame, "height"),
          side(frame, "outputWidth"),  side(frame, "outputHeight")};
}

class JpegJob : public Napi::AsyncWorker {
 public:
  JpegJob(const Napi::CallbackInfo& info, Bytes file, const Frame& frame, uint8_t* out)
      : AsyncWorker(info.Env()),
        deferred_(Napi::Promise::Deferred::New(info.Env())),
        arrays_{Napi::Persistent(info[0].As<Napi::Object>()),
                Napi::Persistent(info[2].As<Napi::Object>())},
        file_(file),
        frame_(frame),
        out_(out) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 private:
  void Execute() override {
    try {
      decode_jpeg(file_, frame_, out_);
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  void OnOK() override {
    if (error_) {
      deferred_.Reject(to_javascript(Env(), error_).Value());
    } else {
      deferred_.Resolve(Env().Undefined());
    }
  }

  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference arrays_[2];  // keep alive what the rest points into
  Bytes file_;
  Frame frame_;
  uint8_t* out_;
  std::exception_ptr error_;
};

}  // namespace

Napi::Value jpeg_size(const Napi::CallbackInfo& info) {
  const std::optional<Extent> extent = jpeg_extent(file_at(info));
  if (!extent) return info.Env().Undefined();
  Napi::Array size = Napi::Array::New(info.Env(), 2);
  size.Set(0u, extent->width);
  size.Set(1u, extent->height);
  return size;
}

Napi::Value decode_jpeg_file(const Napi::CallbackInfo& info) {
  const Bytes file = file_at(info);
  const Frame frame = frame_at(info, 1);
  const Napi::Uint8Array out = bytes_at(info, 2, "out");
  const size_t expected = size_t(3) * frame.output_width * frame.output_height;
  if (out.ByteLength() != expected) {
    throw Napi::RangeError::New(info.Env(), "out must have " + std::to_string(expected) +
                                                " bytes, has " + std::to_string(out.ByteLength()));
  }
  auto* job = new JpegJob(info, file, frame, elements(out));
  job->Queue();
  return job->promise();
}

Napi::Value resample_pixels(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array pixels = bytes_at(info, 0, "pixels");
  const Napi::Object size = object_at(info, 1, "size");
  const size_t channels = side(size, "channels");
  const Extent extent{side(size, "width"), side(size, "height")};
  const Frame frame = frame_at(info, 2);
  const Napi::Uint8Array out = bytes_at(info, 3, "out");
  if (pixels.ByteLength() != channels * extent.width * extent.height ||
      out.ByteLength() != channels * frame.output_width * frame.output_height) {
    throw Napi::RangeError::New(info.Env(), "pixels, size, frame and out do not belong together");
  }
  resample_planes(elements(pixels), channels, extent, frame, elements(out));
  return info.Env().Undefined();
}

Napi::Value mirror_pixels(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array pixels = bytes_at(info, 0, "pixels");
  const size_t width = static_cast<size_t>(decode_integer(info[1], "width", 1, kMostSide));
  const Napi::Uint8Array out = bytes_at(info, 2, "out");
  if (pixels.ByteLength() % width != 0 || out.ByteLength() != pixels.ByteLength()) {
    throw Napi::RangeError::New(info.Env(), "pixels, width and out do not belong together");
  }
  mirror_rows(elements(pixels), pixels.ByteLength() / width, width, elements(out));
  return info.Env().Undefined();
}

Napi::Value normalize_pixels(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array pixels = bytes_at(info, 0, "pixels");
  const Napi::Float32Array table = floats_at(info, 1, "table");
  const Napi::Float32Array out = floats_at(info, 2, "out");
  const size_t channels = table.ElementLength() / kLevels;
  if (channels == 0 || table.ElementLength() % kLevels != 0 ||
      pixels.ElementLength() % channels != 0 || out.ElementLength() != pixels.ElementLength()) {
    throw Napi::RangeError::New(info.Env(), "pixels, table and out do not belong together");
  }
  const size_t plane = pixels.ElementLength() / channels;
  for (size_t channel = 0; channel < channels; ++channel) {
    const float* levels = elements(table) + channel * kLevels;
    const uint8_t* from = elements(pixels) + channel * plane;
    float* to = elements(out) + channel * plane;
    for (size_t i = 0; i < plane; ++i) to[i] = levels[from[i]];
  }
  return info.Env().Undefined();
}

}  // namespace halfspace
