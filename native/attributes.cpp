#include "attributes.h"

#include <cmath>

#include "error.h"

namespace halfspace {
namespace {

// The value of the given type, or an error that names the attribute.
template <class T>
const T& get(const std::map<std::string, Attribute>& values, const std::string& name,
             const char* type) {
  auto found = values.find(name);
  check(found != values.end(), ErrorCode::Shape, "attribute '", name, "' is missing");
  const T* value = std::get_if<T>(&found->second);
  check(value != nullptr, ErrorCode::Shape, "attribute '", name, "' must be ", type);
  return *value;
}

int64_t to_integer(double value, const std::string& name) {
  constexpr double kLargest = 9007199254740992.0;  // 2^53
  check(std::trunc(value) == value && std::abs(value) <= kLargest, ErrorCode::Shape, "attribute '",
        name, "' must hold integers, got ", value);
  return static_cast<int64_t>(value);
}

}  // namespace

const Attributes::Values& Attributes::values() const {
  static const Values none;
  return values_ ? *values_ : none;
}

double Attributes::number(const std::string& name) const {
  return get<double>(values(), name, "a number");
}

double Attributes::number(const std::string& name, double fallback) const {
  return has(name) ? number(name) : fallback;
}

int64_t Attributes::integer(const std::string& name) const {
  return to_integer(number(name), name);
}

int64_t Attributes::integer(const std::string& name, int64_t fallback) const {
  return has(name) ? integer(name) : fallback;
}

std::vector<double> Attributes::numbers(const std::string& name) const {
  return get<std::vector<double>>(values(), name, "a list of numbers");
}

std::vector<int64_t> Attributes::integers(const std::string& name) const {
  std::vector<int64_t> result;
  for (double value : numbers(name)) result.push_back(to_integer(value, name));
  return result;
}

std::vector<int64_t> Attributes::integers(const std::string& name,
                                          std::vector<int64_t> fallback) const {
  return has(name) ? integers(name) : fallback;
}

std::string Attributes::text(const std::string& name) const {
  return get<std::string>(values(), name, "a string");
}

std::string Attributes::text(const std::string& name, const std::string& fallback) const {
  return has(name) ? text(name) : fallback;
}

bool Attributes::flag(const std::string& name) const {
  return get<bool>(values(), name, "true or false");
}

bool Attributes::flag(const std::string& name, bool fallback) const {
  return has(name) ? flag(name) : fallback;
}

}  // namespace halfspace
