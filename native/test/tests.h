// Tests that name themselves, and the program that runs them.
#pragma once

#include <cstdio>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

#include "error.h"

namespace halfspace::test {

struct Test {
  const char* title;
  void (*body)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

struct Registration {
  Registration(const char* title, void (*body)()) { tests().push_back({title, body}); }
};

#define HALFSPACE_JOIN_(a, b) a##b
#define HALFSPACE_JOIN(a, b) HALFSPACE_JOIN_(a, b)
#define TEST(title)                                                                     \
  static void HALFSPACE_JOIN(test_, __LINE__)();                                        \
  static const ::halfspace::test::Registration HALFSPACE_JOIN(registration_, __LINE__)( \
      title, HALFSPACE_JOIN(test_, __LINE__));                                          \
  static void HALFSPACE_JOIN(test_, __LINE__)()

template <class... Parts>
[[noreturn]] void failed(const Parts&... parts) {
  fail(ErrorCode::Internal, parts...);
}

// Thrown by a test that cannot be run here.
struct Skipped {
  std::string reason;
};

template <class... Parts>
[[noreturn]] void skip(const Parts&... parts) {
  std::ostringstream reason;
  (reason << ... << parts);
  throw Skipped{reason.str()};
}

// 1 where a test failed; else what ctest counts as skipped where some were.
inline int run_all() {
  constexpr int kSkipped = 77;
  int failures = 0, skipped = 0;
  for (const Test& t : tests()) {
    try {
      t.body();
      std::printf("ok      %s\n", t.title);
    } catch (const Skipped& test) {
      ++skipped;
      std::printf("skipped %s: %s\n", t.title, test.reason.c_str());
    } catch (const std::exception& error) {
      ++failures;
      std::printf("FAILED  %s: %s\n", t.title, error.what());
    }
  }
  if (failures > 0) return 1;
  return skipped > 0 ? kSkipped : 0;
}

}  // namespace halfspace::test

int main() { return halfspace::test::run_all(); }
