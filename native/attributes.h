// Attributes of a step, as TypeScript wrote them: numbers, strings, booleans and lists of numbers.
// A getter without a default throws, naming what is missing or has another type. Immutable, so copies share one map.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace halfspace {

using Attribute = std::variant<double, std::string, bool, std::vector<double>>;

class Attributes {
 public:
  Attributes() = default;
  explicit Attributes(std::map<std::string, Attribute> values)
      : values_(std::make_shared<const Values>(std::move(values))) {}

  bool has(const std::string& name) const { return values_ && values_->count(name) > 0; }

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

  bool operator==(const Attributes& other) const { return values_ == other.values_ || values() == other.values(); }
  auto operator<=>(const Attributes& other) const {
    return values_ == other.values_ ? std::partial_ordering::equivalent : values() <=> other.values();
  }

 private:
  using Values = std::map<std::string, Attribute>;

  const Values& values() const;

  std::shared_ptr<const Values> values_;  // null where none were given
};

}  // namespace halfspace
