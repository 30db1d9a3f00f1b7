#include "operand.h"

namespace halfspace::emulated {
namespace {

bool overlap(const Operand& one, const Operand& other) {
  const auto* first = static_cast<const std::byte*>(one.data);
  const auto* second = static_cast<const std::byte*>(other.data);
  return first < second + other.bytes && second < first + one.bytes;
}

// An operand that is read and written is there twice.
bool may_overlap(const Operand& one, const Operand& other) {
  return (one.access == Access::Read && other.access == Access::Read) || one.name == other.name;
}

void check_overlaps(const std::string& call, std::span<const Operand> operands) {
  for (const Operand& one : operands) {
    for (const Operand& other : operands) {
      if (&one == &other || !overlap(one, other) || may_overlap(one, other)) continue;
      report(cudaErrorLaunchFailure, text_of(call, ": ", one.name, " overlaps ", other.name));
      throw Failure{finding_code()};
    }
  }
}

}  // namespace

void touch_operands(const std::string& call, std::span<const Operand> operands) {
  check_overlaps(call, operands);
  for (const Operand& operand : operands) {
    if (operand.access == Access::Read) {
      touch_range(Access::Read, operand.data, operand.bytes, call + ": " + operand.name);
    }
  }
  for (const Operand& operand : operands) {
    if (operand.access == Access::Write) {
      touch_range(Access::Write, operand.data, operand.bytes, call + ": " + operand.name);
    }
  }
}

}  // namespace halfspace::emulated
