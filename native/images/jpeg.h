// Parts of JPEG files, through libjpeg-turbo: only what lies in the frame is transformed, coloured and
// scaled. A file that cannot be decoded is an Error with code Data.
#pragma once

#include <memory>
#include <optional>

#include "images/frame.h"

namespace halfspace {

// Any bytes; not owned.
struct Bytes {
  const uint8_t* data;
  size_t size;
};

// Whether a file begins as JPEG files do.
bool is_jpeg(Bytes file);

// A picture whose header has been read.
class Jpeg {
 public:
  // `file` must outlive this.
  explicit Jpeg(Bytes file);
  Jpeg(Jpeg&&) noexcept;
  ~Jpeg();

  // Width and height; nothing where the colours are not gray, YCbCr or RGB (print uses others).
  std::optional<Extent> extent() const;

  // Cuts `frame` out and scales it: [3, output_height, output_width]. Gray is repeated; embedded profiles
  // and orientation marks are not applied. Once only.
  void decode(const Frame& frame, uint8_t* out);

 private:
  class Decoder;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace halfspace
