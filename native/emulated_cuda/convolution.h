// Convolution by plain loops, in fp32 and NHWC: images [N, H, W, C], filters [K, R, S, C / groups].
#pragma once

#include <vector>

namespace halfspace::emulated {

struct ConvolutionShape {
  int n, h, w, c;
  int k, r, s;
  int out_h, out_w;
  int pad_h, pad_w;
  int stride_h, stride_w;
  int dilation_h, dilation_w;
  int groups;

  int group_in() const { return c / groups; }
  int group_out() const { return k / groups; }
};

using Floats = std::vector<float>;

Floats convolve(const ConvolutionShape& shape, const Floats& x, const Floats& w);
Floats convolve_backward_data(const ConvolutionShape& shape, const Floats& w, const Floats& dy);
// `backwards` adds the images up in the other order, as an algorithm of no fixed order may.
Floats convolve_backward_filter(const ConvolutionShape& shape, const Floats& x, const Floats& dy,
                                bool backwards);

}  // namespace halfspace::emulated
