#include "shared_memory.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>

#include <map>

#include "block.h"
#include "private_memory.h"
#include "shared_arrays.h"

namespace halfspace::emulated {
namespace {

// Who touched a cell: a thread of the block by its number, several threads of one warp, or of several.
using Toucher = uint16_t;
constexpr Toucher kSeveralOfWarp = 0x8000;
constexpr Toucher kSeveralWarps = 0xffff;

struct Touch {
  // Of the block at that time; smaller than the block's first epoch means in another block.
  uint32_t epoch;
  Toucher by;
  uint16_t warp_epoch;
};

// Of one byte: threads may share a neighbour of any element.
struct Cell {
  Touch write;
  Touch read;
};

struct Region {
  const std::byte* start = nullptr;
  size_t bytes = 0;
  Cell* cells = nullptr;
  // Of the object, from which `arrays` counts.
  const std::byte* base = nullptr;
  std::vector<size_t> arrays;
};

Region region;
std::map<const void*, Region> regions;

struct Search {
  const void* base;
  Region found;
};

// The writable segment of the object at Search::base.
int find_segment(dl_phdr_info* info, size_t, void* data) {
  auto& search = *static_cast<Search*>(data);
  if (reinterpret_cast<const void*>(info->dlpi_addr) != search.base) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_W)) continue;
    search.found.start = static_cast<const std::byte*>(search.base) + segment.p_vaddr;
    search.found.bytes = segment.p_memsz;
  }
  return 1;
}

Region region_of(const void* base, const std::string& path) {
  Search search{base, {}};
  dl_iterate_phdr(find_segment, &search);
  search.found.base = static_cast<const std::byte*>(base);
  search.found.arrays = shared_arrays(path);
  void* cells = mmap(nullptr, search.found.bytes * sizeof(Cell), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (cells == MAP_FAILED) throw Failure{cudaErrorMemoryAllocation};
  search.found.cells = static_cast<Cell*>(cells);
  return search.found;
}

Toucher warp_of(Toucher by) {
  return by & kSeveralOfWarp ? by & ~kSeveralOfWarp : by / kWarpSize;
}

bool in_this_block(const Touch& touch) { return touch.epoch >= first_epoch_of_block(); }

bool is_ordered(const Touch& earlier) {
  Toucher self = static_cast<Toucher>(thread_in_block());
  if (earlier.epoch < block_epoch() || earlier.by == self) return true;
  bool same_warp = earlier.by != kSeveralWarps && warp_of(earlier.by) == warp_of(self);
  return same_warp && earlier.warp_epoch != warp_epoch();
}

Touch own_touch() {
  return {block_epoch(), static_cast<Toucher>(thread_in_block()), warp_epoch()};
}

// All readers since the last barrier that parts them from this one, in one entry.
Touch merged(const Touch& earlier) {
  Touch own = own_touch();
  if (is_ordered(earlier)) return own;
  bool same_warp = earlier.by != kSeveralWarps && warp_of(earlier.by) == warp_of(own.by);
  own.by = same_warp ? kSeveralOfWarp | warp_of(own.by) : kSeveralWarps;
  return own;
}

bool is_in_array(const std::byte* address, size_t bytes) {
  const size_t offset = address - region.base, slot = offset / kSharedAlignment;
  return slot < region.arrays.size() && offset % kSharedAlignment + bytes <= region.arrays[slot];
}

[[noreturn]] void fail(Access access, size_t bytes, const void* code, const char* reason) {
  report(cudaErrorLaunchFailure,
         text_of(describe_thread(code), access == Access::Read ? " reads " : " writes ", bytes,
                 " bytes of shared memory: ", reason));
  leave_kernel();
}

void touch_cell(Access access, Cell& cell, size_t bytes, const void* code) {
  bool written = in_this_block(cell.write);
  if (access == Access::Read && !written) fail(access, bytes, code, "never written by this block");
  if (written && !is_ordered(cell.write)) {
    fail(access, bytes, code, "another thread wrote it since the last barrier");
  }
  if (access == Access::Read) {
    cell.read = merged(cell.read);
    return;
  }
  if (in_this_block(cell.read) && !is_ordered(cell.read)) {
    fail(access, bytes, code, "another thread read it since the last barrier");
  }
  cell.write = own_touch();
}

}  // namespace

void select_shared_memory(const void* kernel) {
  Dl_info info = {};
  link_map* map = nullptr;
  require(dladdr1(kernel, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) != 0);
  const void* base = reinterpret_cast<const void*>(map->l_addr);
  auto found = regions.find(base);
  if (found == regions.end()) {
    found = regions.emplace(base, region_of(base, *map->l_name ? map->l_name : "/proc/self/exe")).first;
  }
  region = found->second;
}

bool is_shared(const void* address, size_t bytes) {
  const auto* at = static_cast<const std::byte*>(address);
  return at >= region.start && at + bytes <= region.start + region.bytes;
}

void touch_shared(Access access, const void* address, size_t bytes, const void* code) {
  const auto* at = static_cast<const std::byte*>(address);
  if (!is_in_array(at, bytes)) fail(access, bytes, code, "out of bounds of its array");
  size_t offset = at - region.start;
  for (size_t byte = 0; byte < bytes; ++byte) {
    touch_cell(access, region.cells[offset + byte], bytes, code);
  }
}

}  // namespace halfspace::emulated
