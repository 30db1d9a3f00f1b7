#include "images/jpeg.h"

#include <csetjmp>
#include <algorithm>
#include <cstdio>
#include <tuple>

#include <jpeglib.h>
// After jpeglib.h, which it needs.
#include <jerror.h>

#include "error.h"
#include "images/resample.h"

namespace halfspace {
namespace {

// A file of a few bytes may declare gigabytes of pixels, or scans without end.
constexpr int64_t kMostPixels = int64_t{1} << 28;
constexpr int kMostScans = 500;

// Chroma of 4:2:0 is interpolated over two pixels, so a part that is decoded alone lacks neighbours at
// its edges; it is decoded this much wider.
constexpr int kMargin = 4;

// libjpeg reports failures by a call that must not return.
struct Failures : jpeg_error_mgr {
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

template <class... Parts>
[[noreturn]] void refuse(const Parts&... reason) {
  fail(ErrorCode::Data, "cannot be decoded as an image (", reason..., ")");
}

[[noreturn]] void give_up(j_common_ptr info) {
  auto* failures = static_cast<Failures*>(info->err);
  failures->format_message(info, failures->message);
  std::longjmp(failures->back, 1);
}

// Data that end too early are only a warning to libjpeg, which makes up the rest; to us they are a
// failure. Other irregularities are common in published data sets, and every decoder reads over them.
void heed(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER)) give_up(info);
}

void limit_scans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMostScans) {
    ERREXIT(info, JERR_BAD_PROGRESSION);
  }
}

// Sizes are halved while at least twice the wanted pixels are left for the filter.
unsigned divisor_for(const Frame& frame) {
  unsigned divisor = 1;
  while (divisor < 8 && frame.width >= int64_t{4} * divisor * frame.output_width &&
         frame.height >= int64_t{4} * divisor * frame.output_height) {
    divisor *= 2;
  }
  return divisor;
}

Interval interval(int start, int length, unsigned divisor) {
  return {double(start) / divisor, double(start + length) / divisor};
}

// Pixels from `low` on and how many, around an interval of an axis that has `length` of them.
std::pair<int, int> around(Interval part, int length) {
  const int low = std::max(0, int(part.start) - kMargin);
  return {low, std::min(length, int(part.end) + 1 + kMargin) - low};
}

Interval shifted(Interval part, int by) { return {part.start - by, part.end - by}; }

}  // namespace

class Jpeg::Decoder {
 public:
  // Made before the header is read, so that a header that fails is cleaned up after.
  explicit Decoder(Bytes file) : Decoder() {
    attempt([&] {
      jpeg_mem_src(&info_, file.data, static_cast<unsigned long>(file.size));
      jpeg_read_header(&info_, TRUE);
    });
  }
  ~Decoder() { jpeg_destroy_decompress(&info_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  Extent extent() const { return {int(info_.image_width), int(info_.image_height)}; }

  bool is_gray_or_color() const {
    const J_COLOR_SPACE space = info_.jpeg_color_space;
    return space == JCS_GRAYSCALE || space == JCS_YCbCr || space == JCS_RGB;
  }

  // Decodes at one `divisor`th of the size; answers with the size that results.
  Extent start(unsigned divisor) {
    info_.scale_num = 1;
    info_.scale_denom = divisor;
    info_.out_color_space = JCS_EXT_RGBX;
    attempt([&] { jpeg_start_decompress(&info_); });
    return {int(info_.output_width), int(info_.output_height)};
  }

  // The columns and rows of `part`, widened to what can be decoded: where they begin, and their pixels.
  void read(Frame& part, Pixels& pixels) {
    JDIMENSION left = part.left, width = part.width;
    attempt([&] { jpeg_crop_scanline(&info_, &left, &width); });
    part.left = int(left);
    pixels.make({int(width), part.height});
    attempt([&] {
      if (part.top > 0) jpeg_skip_scanlines(&info_, part.top);
      for (int y = 0; y < part.height;) {
        JSAMPROW row = pixels.row(y);
        y += int(jpeg_read_scanlines(&info_, &row, 1));
      }
    });
  }

 private:
  Decoder() {
    info_.err = jpeg_std_error(&failures_);
    failures_.error_exit = give_up;
    failures_.emit_message = heed;
    jpeg_create_decompress(&info_);
    progress_.progress_monitor = limit_scans;
    info_.progress = &progress_;
  }

  // Runs calls of libjpeg. Nothing in `calls` may need a destructor, which a failure would skip.
  template <class Calls>
  void attempt(Calls calls) {
    if (setjmp(failures_.back)) refuse(failures_.message);
    calls();
  }

  jpeg_decompress_struct info_{};
  jpeg_progress_mgr progress_{};
  Failures failures_{};
};

bool is_jpeg(Bytes file) {
  return file.size > 2 && file.data[0] == 0xff && file.data[1] == 0xd8 && file.data[2] == 0xff;
}

Jpeg::Jpeg(Bytes file) : decoder_(std::make_unique<Decoder>(file)) {}
Jpeg::Jpeg(Jpeg&&) noexcept = default;
Jpeg::~Jpeg() = default;

std::optional<Extent> Jpeg::extent() const {
  if (!decoder_->is_gray_or_color()) return std::nullopt;
  return decoder_->extent();
}

void Jpeg::decode(const Frame& frame, uint8_t* out) {
  const auto [width, height] = decoder_->extent();
  if (int64_t{width} * height > kMostPixels) {
    refuse(width, "x", height, " pixels are more than ", kMostPixels);
  }
  require_inside(frame, {width, height});
  const unsigned divisor = divisor_for(frame);
  const Extent whole = decoder_->start(divisor);
  const Interval across = interval(frame.left, frame.width, divisor);
  const Interval down = interval(frame.top, frame.height, divisor);
  Frame part{};
  std::tie(part.left, part.width) = around(across, whole.width);
  std::tie(part.top, part.height) = around(down, whole.height);
  thread_local Pixels pixels;  // fresh memory for every picture costs a fifth of the time
  decoder_->read(part, pixels);
  resample(pixels, shifted(across, part.left), shifted(down, part.top),
           {frame.output_width, frame.output_height}, 3, out);
}

}  // namespace halfspace
