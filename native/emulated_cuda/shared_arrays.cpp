#include "shared_arrays.h"

#include <elf.h>

#include <fstream>

#include "failure.h"
#include "include/emulated_kernel.h"

namespace halfspace::emulated {
namespace {

template <class T>
std::vector<T> read(std::ifstream& file, size_t offset, size_t count) {
  std::vector<T> values(count);
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(T)));
  require(file.good(), cudaErrorUnknown);
  return values;
}

std::vector<Elf64_Sym> symbols(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const Elf64_Ehdr header = read<Elf64_Ehdr>(file, 0, 1)[0];
  for (const Elf64_Shdr& section : read<Elf64_Shdr>(file, header.e_shoff, header.e_shnum)) {
    if (section.sh_type != SHT_SYMTAB) continue;
    return read<Elf64_Sym>(file, section.sh_offset, section.sh_size / sizeof(Elf64_Sym));
  }
  report(cudaErrorUnknown, path + " has no symbol table, by which shared arrays are found");
  throw Failure{cudaErrorUnknown};
}

bool is_array(const Elf64_Sym& symbol) {
  return ELF64_ST_TYPE(symbol.st_info) == STT_OBJECT && symbol.st_shndx != SHN_UNDEF &&
         symbol.st_value % kSharedAlignment == 0;
}

}  // namespace

std::vector<size_t> shared_arrays(const std::string& path) {
  std::vector<size_t> bytes;
  for (const Elf64_Sym& symbol : symbols(path)) {
    if (!is_array(symbol)) continue;
    const size_t slot = symbol.st_value / kSharedAlignment;
    if (slot >= bytes.size()) bytes.resize(slot + 1);
    bytes[slot] = symbol.st_size;
  }
  return bytes;
}

}  // namespace halfspace::emulated
