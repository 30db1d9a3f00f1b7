#include "chance.h"

#include <random>

#include "options.h"

namespace halfspace::emulated {
namespace {

std::mt19937& engine() {
  static std::mt19937 one(options().seed);
  return one;
}

}  // namespace

bool chance(unsigned in) { return options().seed != 0 && engine()() % in == 0; }

void reset_chance() { engine().seed(options().seed); }

}  // namespace halfspace::emulated
