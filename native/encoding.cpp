#include "encoding.h"

#include <cmath>
#include <map>

#include "error.h"

namespace halfspace {
namespace {

constexpr double kLargestInteger = 9007199254740992;  // 2^53

// Takes one field after the other.
class Reader {
 public:
  explicit Reader(const Encoding& encoding) : encoding_(encoding) {}

  double number() {
    expect(next_ < encoding_.numbers.size(), "ends too early");
    return encoding_.numbers[next_++];
  }

  int64_t integer() {
    double value = number();
    // Written so that NaN fails too.
    expect(std::trunc(value) == value && std::abs(value) <= kLargestInteger,
           "a whole number was expected");
    return static_cast<int64_t>(value);
  }

  size_t index() {
    int64_t value = integer();
    expect(value >= 0, "a number that is not negative was expected");
    return static_cast<size_t>(value);
  }

  const std::string& text() { return encoding_.texts[below(encoding_.texts.size())]; }

  // One of the values of an enumeration, numbered from zero.
  template <class Enumeration>
  Enumeration choice(size_t count) {
    return static_cast<Enumeration>(below(count));
  }

  // How many elements follow; each takes one number at least.
  size_t count() { return below(encoding_.numbers.size() - next_ + 1); }

  // A count, and that many of whatever `element` takes.
  template <class Element>
  auto list(Element element) {
    size_t count = this->count();
    std::vector<decltype(element())> result;
    result.reserve(count);
    for (size_t i = 0; i < count; ++i) result.push_back(element());
    return result;
  }

  void end() const { expect(next_ == encoding_.numbers.size(), "goes on behind its end"); }

 private:
  size_t below(size_t bound) {
    size_t value = index();
    expect(value < bound, "a number is too large");
    return value;
  }

  void expect(bool condition, const char* complaint) const {
    check(condition, ErrorCode::Internal, "internal: program: the encoding is broken before number ",
          next_, ": ", complaint);
  }

  const Encoding& encoding_;
  size_t next_ = 0;
};

// Fields are taken in the order in which they are written here: braces fix it.

DType dtype(Reader& reader) { return reader.choice<DType>(3); }

std::vector<size_t> indices(Reader& reader) {
  return reader.list([&] { return reader.index(); });
}

enum class AttributeKind { Number, Text, Flag, Numbers };

Attribute attribute(Reader& reader) {
  switch (reader.choice<AttributeKind>(4)) {
    case AttributeKind::Number:
      return reader.number();
    case AttributeKind::Text:
      return reader.text();
    case AttributeKind::Flag:
      return reader.number() != 0;
    case AttributeKind::Numbers:
      return reader.list([&] { return reader.number(); });
  }
  return 0.0;
}

Attributes attributes(Reader& reader) {
  std::map<std::string, Attribute> values;
  for (size_t left = reader.count(); left > 0; --left) {
    const std::string& name = reader.text();
    values.insert_or_assign(name, attribute(reader));
  }
  return Attributes(std::move(values));
}

Arena arena(Reader& reader) { return {reader.text(), dtype(reader), reader.integer()}; }

Storage storage(Reader& reader) {
  return {reader.choice<StorageKind>(4), reader.index(), reader.integer()};
}

Dims shape(Reader& reader, const std::string& owner) {
  const auto sizes = reader.list([&] { return reader.integer(); });
  check(sizes.size() <= Dims::kHighestRank, ErrorCode::Unsupported, "'", owner, "' has rank ", sizes.size(),
        ", at most ", Dims::kHighestRank, " is possible");
  return sizes;
}

Tensor tensor(Reader& reader) {
  const std::string& name = reader.text();
  return {name, dtype(reader), shape(reader, name), storage(reader)};
}

Step step(Reader& reader) {
  return {reader.text(), indices(reader), indices(reader), attributes(reader), reader.text()};
}

Entry entry(Reader& reader) {
  return {reader.text(), indices(reader), indices(reader),
          reader.list([&] { return step(reader); })};
}

}  // namespace

Program decode_program(const Encoding& encoding) {
  Reader reader(encoding);
  Program program{reader.text(), reader.list([&] { return arena(reader); }),
                  reader.list([&] { return tensor(reader); }),
                  reader.list([&] { return entry(reader); })};
  reader.end();
  return program;
}

}  // namespace halfspace
