#include "library.h"

#include <utility>

#include "dnnl_kernel.h"

namespace halfspace::cpu {
namespace {

// The names that oneDNN 2 and 3 share.
constexpr std::pair<dnnl::cpu_isa, const char*> kNames[] = {
    {dnnl::cpu_isa::sse41, "sse41"},
    {dnnl::cpu_isa::avx, "avx"},
    {dnnl::cpu_isa::avx2, "avx2"},
    {dnnl::cpu_isa::avx2_vnni, "avx2_vnni"},
    {dnnl::cpu_isa::avx512_core, "avx512_core"},
    {dnnl::cpu_isa::avx512_core_vnni, "avx512_core_vnni"},
    {dnnl::cpu_isa::avx512_core_bf16, "avx512_core_bf16"},
    {dnnl::cpu_isa::avx512_core_amx, "avx512_core_amx"},
};

}  // namespace

std::string library_version() {
  const dnnl_version_t* version = dnnl_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->patch);
}

// Newer libraries may answer with a set without a name here, and those for other processors do.
std::string instruction_set() {
  dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  for (const auto& [known, name] : kNames) {
    if (isa == known) return name;
  }
  return "unnamed";
}

bool has_bf16() {
  const auto square = plain({16, 16}, ElementType::bf16);
  try {
    matmul(square, square, {}, plain({16, 16}), primitive_attributes());
    return true;
  } catch (const dnnl::error& error) {
    if (error.status != dnnl_unimplemented) throw;
    return false;
  }
}

int64_t best_channel_block() {
  const auto has = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto wide = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  return (has & wide) == wide ? 16 : 8;
}

}  // namespace halfspace::cpu
