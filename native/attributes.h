// Attributes of a step, as TypeScript wrote them: numbers, strings, booleans and lists of numbers.
// A getter without a default throws, naming what is missing or has another type.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace halfspace {

using Attribute = std::variant<double, std::string, bool, std::vector<double>>;

class Attributes {
 public:
  Attributes() = default;
  explicit Attributes(std::map<std::string, Attribute> values) : values_(std::move(values)) {}

  bool has(const std::string& name) const { return values_.count(name) > 0; }

  double number(const std::string& name) const;
  double number(const std::string& name, double fallback) const;
  // A number without a fraction, within +-2^53.
  int64_t integer(const std::string& name) const;
  int64_t integer(const std::string& name, int64_t fallback) const;
  std::vector<int64_t> integers(const std::string& name) const;
  std::vector<int64_t> integers(const std::string& name, std::vector<int64_t> fallback) const;
  std::vector<double> numbers(const std::string& name) const;
  std::string text(const std::string& name) const;
  std::string text(const std::string& name, const std::string& fallback) const;
  bool flag(const std::string& name) const;
  bool flag(const std::string& name, bool fallback) const;

  auto operator<=>(const Attributes&) const = default;

 private:
  std::map<std::string, Attribute> values_;
};

}  // namespace halfspace
