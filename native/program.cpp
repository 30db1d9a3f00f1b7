#include "program.h"

#include <algorithm>
#include <set>

#include "error.h"

namespace halfspace {
namespace {

// Far above any memory, and far enough below 2^63 that sums and bytes do not overflow.
constexpr int64_t kMostElements = int64_t{1} << 44;

template <class... Parts>
void expect(bool condition, const Parts&... parts) {
  check(condition, ErrorCode::Internal, "internal: program: ", parts...);
}

// No device that pads channels has wider blocks.
constexpr int64_t kWidestBlock = 16;

// Also counts the channels that a blocked layout would add.
void check_size(const Tensor& tensor) {
  int64_t elements = 1;
  for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    int64_t size = tensor.shape[axis];
    expect(size >= 0 && size <= kMostElements, "tensor '", tensor.name, "' has size ", size,
           " along axis ", axis);
    int64_t stored = std::max<int64_t>(axis == 1 ? round_up(size, kWidestBlock) : size, 1);
    expect(elements <= kMostElements / stored, "tensor '", tensor.name,
           "' is too large");
    elements *= stored;
  }
}

void check_arena_bounds(const Program& program, const Tensor& tensor) {
  const Storage& storage = tensor.storage;
  expect(storage.arena < program.arenas.size(), "tensor '", tensor.name, "' names arena ",
         storage.arena, ", there are ", program.arenas.size());
  const Arena& arena = program.arenas[storage.arena];
  expect(arena.dtype == tensor.dtype, "tensor '", tensor.name, "' is ", name_of(tensor.dtype),
         ", arena '", arena.name, "' is ", name_of(arena.dtype));
  int64_t elements = TensorMeta{tensor.dtype, tensor.shape}.elements();
  expect(storage.offset >= 0 && storage.offset <= arena.length &&
             elements <= arena.length - storage.offset,
         "tensor '", tensor.name, "' covers elements ", storage.offset, " to ",
         storage.offset + elements, " of arena '", arena.name, "', which has ", arena.length);
}

void check_arena(const Arena& arena, std::set<std::string>& names) {
  expect(names.insert(arena.name).second, "there are two arenas '", arena.name, "'");
  expect(arena.length >= 0 && arena.length <= kMostElements, "arena '", arena.name,
         "' has length ", arena.length);
}

// Follows one entry through its steps; `written` are the tensors that hold something.
class EntryCheck {
 public:
  EntryCheck(const Program& program, const Entry& entry)
      : program_(program),
        entry_(entry),
        where_("entry '" + entry.name + "': "),
        written_(program.tensors.size(), false) {}

  void run() {
    for (size_t index : entry_.inputs) {
      expect(tensor(index).storage.kind == StorageKind::Input, where_, "input '",
             tensor(index).name, "' is not stored as an input");
      expect(!written_[index], where_, "input '", tensor(index).name, "' is listed twice");
      written_[index] = true;
    }
    for (const Step& step : entry_.steps) check_step(step);
    std::set<size_t> outputs;
    for (size_t index : entry_.outputs) {
      expect(outputs.insert(index).second, where_, "output '", tensor(index).name,
             "' is listed twice");
      expect(tensor(index).storage.kind == StorageKind::Output, where_, "output '",
             tensor(index).name, "' is not stored as an output");
      expect(written_[index], where_, "output '", tensor(index).name, "' is never written");
    }
  }

 private:
  const Tensor& tensor(size_t index) const {
    expect(index < program_.tensors.size(), where_, "there is no tensor ", index);
    return program_.tensors[index];
  }

  void check_step(const Step& step) {
    for (size_t index : step.inputs) {
      expect(tensor(index).storage.kind == StorageKind::Arena || written_[index], where_,
             step.kernel, " '", step.label, "' reads '", tensor(index).name,
             "' before it is written");
    }
    std::set<size_t> outputs;
    for (size_t index : step.outputs) {
      expect(outputs.insert(index).second, where_, step.kernel, " '", step.label, "' writes '",
             tensor(index).name, "' twice");
      check_write(step, index);
    }
  }

  void check_write(const Step& step, size_t index) {
    StorageKind kind = tensor(index).storage.kind;
    if (kind == StorageKind::Arena) return;
    expect(kind != StorageKind::Input, where_, step.kernel, " '", step.label,
           "' writes the input '", tensor(index).name, "'");
    expect(!written_[index], where_, step.kernel, " '", step.label, "' writes '",
           tensor(index).name, "', which is written already");
    written_[index] = true;
  }

  const Program& program_;
  const Entry& entry_;
  const std::string where_;
  std::vector<bool> written_;
};

}  // namespace

void validate(const Program& program) {
  std::set<std::string> arenas;
  for (const Arena& arena : program.arenas) check_arena(arena, arenas);
  for (const Tensor& tensor : program.tensors) {
    check_size(tensor);
    if (tensor.storage.kind == StorageKind::Arena) check_arena_bounds(program, tensor);
  }
  std::set<std::string> entries;
  for (const Entry& entry : program.entries) {
    expect(entries.insert(entry.name).second, "there are two entries '", entry.name, "'");
    EntryCheck(program, entry).run();
  }
}

}  // namespace halfspace
