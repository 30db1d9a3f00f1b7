#include "image_functions.h"

#include <cstring>

#include "decode.h"
#include "images/jpeg.h"
#include "images/mirror.h"
#include "images/normalize.h"
#include "images/resample.h"
#include "regular_file.h"
#include "session.h"
#include "typed_array.h"

namespace halfspace {
namespace {

// Decoded sizes are limited by the file; this keeps what is asked of them within an int.
constexpr int64_t kMostSide = 1 << 16;

// Several files are in memory at a time; photographs have a hundredth of this.
constexpr size_t kMostBytes = size_t{1} << 28;

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

// A file that is being turned into pixels.
struct Picture {
  FileBytes file;
  std::optional<Jpeg> jpeg;
};

// What JavaScript holds: empty once the picture is decoded, so that its memory does not wait for a
// garbage collection.
using Holder = std::unique_ptr<Picture>;
using Handle = Napi::External<Holder>;

// Marks our handles, so that another addon's external is refused rather than dereferenced.
constexpr napi_type_tag kPictureTag = {0x68616c6673706163, 0x51b7c3d02e6f9a84};

Holder picture_at(const Napi::CallbackInfo& info, size_t argument) {
  const Napi::Value value = info[argument];
  if (!value.IsExternal() || !value.As<Handle>().CheckTypeTag(&kPictureTag)) {
    throw Napi::TypeError::New(info.Env(), "picture must be what openImage gave");
  }
  Holder picture = std::move(*value.As<Handle>().Data());
  if (!picture) throw Napi::Error::New(info.Env(), "the picture has been decoded already");
  return picture;
}

Napi::Value handle_of(Napi::Env env, Holder picture) {
  auto holder = std::make_unique<Holder>(std::move(picture));
  Handle handle =
      Handle::New(env, holder.get(), [](Napi::BasicEnv, Holder* finished) { delete finished; });
  holder.release();
  handle.TypeTag(&kPictureTag);
  return handle;
}

Napi::Value bytes_of(Napi::Env env, const FileBytes& file) {
  Napi::Uint8Array bytes = Napi::Uint8Array::New(env, file.size);
  if (file.size > 0) std::memcpy(elements(bytes), file.data.get(), file.size);
  return bytes;
}

// Work for the threads that Node has for files, and the promise of what comes of it.
class ImageJob : public Napi::AsyncWorker {
 public:
  explicit ImageJob(Napi::Env env)
      : AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  virtual void work() = 0;
  virtual Napi::Value result(Napi::Env env) = 0;

 private:
  void Execute() override {
    try {
      work();
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  void OnOK() override {
    try {
      if (error_) std::rethrow_exception(error_);
      deferred_.Resolve(result(Env()));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    } catch (...) {
      deferred_.Reject(to_javascript(Env(), std::current_exception()).Value());
    }
  }

  Napi::Promise::Deferred deferred_;
  std::exception_ptr error_;
};

class OpenJob : public ImageJob {
 public:
  OpenJob(Napi::Env env, std::string path) : ImageJob(env), path_(std::move(path)) {}

 private:
  void work() override {
    picture_->file = read_regular_file(path_, kMostBytes);
    const Bytes bytes{picture_->file.data.get(), picture_->file.size};
    if (!is_jpeg(bytes)) return;
    picture_->jpeg.emplace(bytes);
    extent_ = picture_->jpeg->extent();
  }

  Napi::Value result(Napi::Env env) override {
    if (!extent_) return bytes_of(env, picture_->file);
    Napi::Object opened = Napi::Object::New(env);
    opened.Set("picture", handle_of(env, std::move(picture_)));
    opened.Set("width", extent_->width);
    opened.Set("height", extent_->height);
    return opened;
  }

  std::string path_;
  Holder picture_ = std::make_unique<Picture>();
  std::optional<Extent> extent_;
};

class DecodeJob : public ImageJob {
 public:
  DecodeJob(Napi::Env env, Holder picture, const Frame& frame, const Napi::Uint8Array& out)
      : ImageJob(env),
        picture_(std::move(picture)),
        frame_(frame),
        array_(Napi::Persistent(out.As<Napi::Object>())),
        out_(elements(out)) {}

 private:
  void work() override {
    const Holder picture = std::move(picture_);
    picture->jpeg->decode(frame_, out_);
  }

  Napi::Value result(Napi::Env env) override { return env.Undefined(); }

  Holder picture_;
  Frame frame_;
  Napi::ObjectReference array_;  // keeps alive what is written to
  uint8_t* out_;
};

}  // namespace

Napi::Value open_image(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) throw Napi::TypeError::New(info.Env(), "path must be a string");
  auto* job = new OpenJob(info.Env(), info[0].As<Napi::String>().Utf8Value());
  job->Queue();
  return job->promise();
}

Napi::Value decode_jpeg(const Napi::CallbackInfo& info) {
  const Frame frame = frame_at(info, 1);
  const Napi::Uint8Array out = bytes_at(info, 2, "out");
  const size_t expected = size_t(3) * frame.output_width * frame.output_height;
  if (out.ByteLength() != expected) {
    throw Napi::RangeError::New(info.Env(), "out must have " + std::to_string(expected) +
                                                " bytes, has " + std::to_string(out.ByteLength()));
  }
  auto* job = new DecodeJob(info.Env(), picture_at(info, 0), frame, out);
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
    look_up(elements(table) + channel * kLevels, elements(pixels) + channel * plane, plane,
            elements(out) + channel * plane);
  }
  return info.Env().Undefined();
}

}  // namespace halfspace
