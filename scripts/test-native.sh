#!/usr/bin/env bash
# Builds the C++ tests with the address and undefined behaviour sanitizers into build/asan and runs them.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake -S . -B build/asan -DHALFSPACE_SANITIZE=ON \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1"
cmake --build build/asan --parallel "${JOBS:-2}"
# oneDNN and OpenMP keep memory for the life of the process on purpose.
ASAN_OPTIONS="detect_leaks=${LEAKS:-0}" ctest --test-dir build/asan --output-on-failure "$@"
