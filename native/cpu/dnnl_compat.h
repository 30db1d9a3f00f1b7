// What oneDNN 2.x and 3.x say differently, and the two objects every primitive needs.
// Nothing outside this file looks at the version.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <string>

#include "../error.h"

namespace halfspace::cpu {

// Never destroyed: worker threads may outlive static destruction at process exit.
inline const dnnl::engine& engine() {
  static const auto* instance = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *instance;
}

// On the CPU a stream is a formality: execution is synchronous on the calling thread's team.
inline const dnnl::stream& stream() {
  static const auto* instance = new dnnl::stream(engine());
  return *instance;
}

// oneDNN reports by exceptions of its own; the failed call belongs into the message.
template <class Call>
auto checked(const std::string& where, Call&& call) {
  try {
    return call();
  } catch (const dnnl::error& error) {
    ErrorCode code = error.status == dnnl_out_of_memory    ? ErrorCode::OutOfMemory
                     : error.status == dnnl_unimplemented ? ErrorCode::Unsupported
                                                           : ErrorCode::Device;
    fail(code, where, ": oneDNN: ", error.what());
  }
}

// Everything a convolution is, besides its operands. Dilations are oneDNN's: the usual minus one.
struct ConvolutionGeometry {
  dnnl::memory::dims strides;
  dnnl::memory::dims dilations;
  dnnl::memory::dims padding_begin;
  dnnl::memory::dims padding_end;
};

// Descriptors of x, w, b and y in the type that is multiplied, b of zero dimensions for none; and of the one
// that a pass writes, in floats.
struct ConvolutionMemory {
  dnnl::memory::desc x, w, b, y;
  dnnl::memory::desc result;
};

inline bool present(const dnnl::memory::desc& memory) {
#if DNNL_VERSION_MAJOR >= 3
  return memory.get_ndims() > 0;
#else
  return memory.data.ndims > 0;
#endif
}

inline void append_relu(dnnl::post_ops& post_ops) {
#if DNNL_VERSION_MAJOR >= 3
  post_ops.append_eltwise(dnnl::algorithm::eltwise_relu, 0.f, 0.f);
#else
  post_ops.append_eltwise(1.f, dnnl::algorithm::eltwise_relu, 0.f, 0.f);
#endif
}

inline dnnl::convolution_forward::primitive_desc convolution_forward(
    const ConvolutionMemory& m, const ConvolutionGeometry& g, const dnnl::primitive_attr& attr) {
  using dnnl::algorithm;
  using dnnl::convolution_forward;
  constexpr auto kind = dnnl::prop_kind::forward_training;
#if DNNL_VERSION_MAJOR >= 3
  return {engine(),    kind,        algorithm::convolution_direct, m.x, m.w, m.b, m.result, g.strides,
          g.dilations, g.padding_begin, g.padding_end,             attr};
#else
  auto desc = present(m.b)
                  ? convolution_forward::desc(kind, algorithm::convolution_direct, m.x, m.w, m.b,
                                              m.result, g.strides, g.dilations, g.padding_begin,
                                              g.padding_end)
                  : convolution_forward::desc(kind, algorithm::convolution_direct, m.x, m.w,
                                              m.result, g.strides, g.dilations, g.padding_begin,
                                              g.padding_end);
  return {desc, attr, engine()};
#endif
}

inline dnnl::convolution_backward_data::primitive_desc convolution_backward_data(
    const ConvolutionMemory& m, const ConvolutionGeometry& g, const dnnl::primitive_attr& attr) {
  auto hint = convolution_forward({m.x, m.w, {}, m.y, m.y}, g, {});
  constexpr auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine(),    direct,          m.result,      m.w,  m.y, g.strides,
          g.dilations, g.padding_begin, g.padding_end, hint, attr};
#else
  dnnl::convolution_backward_data::desc desc(direct, m.result, m.w, m.y, g.strides, g.dilations,
                                             g.padding_begin, g.padding_end);
  return {desc, attr, engine(), hint};
#endif
}

inline dnnl::convolution_backward_weights::primitive_desc convolution_backward_weights(
    const ConvolutionMemory& m, const ConvolutionGeometry& g, const dnnl::primitive_attr& attr) {
  auto hint = convolution_forward({m.x, m.w, m.b, m.y, m.y}, g, {});
  constexpr auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine(),    direct,          m.x,           m.result, m.b, m.y, g.strides,
          g.dilations, g.padding_begin, g.padding_end, hint, attr};
#else
  using desc_type = dnnl::convolution_backward_weights::desc;
  auto desc = present(m.b) ? desc_type(direct, m.x, m.result, m.b, m.y, g.strides, g.dilations,
                                       g.padding_begin, g.padding_end)
                           : desc_type(direct, m.x, m.result, m.y, g.strides, g.dilations,
                                       g.padding_begin, g.padding_end);
  return {desc, attr, engine(), hint};
#endif
}

inline dnnl::matmul::primitive_desc matmul(const dnnl::memory::desc& a, const dnnl::memory::desc& b,
                                           const dnnl::memory::desc& bias,
                                           const dnnl::memory::desc& c,
                                           const dnnl::primitive_attr& attr) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), a, b, bias, c, attr};
#else
  auto desc = present(bias) ? dnnl::matmul::desc(a, b, bias, c) : dnnl::matmul::desc(a, b, c);
  return {desc, attr, engine()};
#endif
}

}  // namespace halfspace::cpu
