// The seeded coin that decides between legal orders.
#pragma once

namespace halfspace::emulated {

// True once in `in` times; never where the seed is 0.
bool chance(unsigned in);
// Starts the sequence of Options::seed again.
void reset_chance();

}  // namespace halfspace::emulated
