#!/usr/bin/env bash
# Builds the CUDA engine on the emulation, into build/emulated, and tests it without a GPU: the emulation
# itself, every kernel, the operators, training and updates against the reference, whole runs beside the
# CPU's, and what is said where a GPU cannot be used. Takes the addon of `npm run build:native`.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake -S . -B build/emulated -DHALFSPACE_CUDA=emulated -DHALFSPACE_TESTS=ON \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O2 -g1"
cmake --build build/emulated --target cuda_tests --parallel "${JOBS:-2}"
ctest --test-dir build/emulated --output-on-failure --tests-regex '_on_cuda$|^emulated_'

export HALFSPACE_CUDA_LIBRARY=$PWD/build/emulated/halfspace_cuda.so
# Whole runs go side by side and take minutes here until the first of them ends; random networks seconds each.
export HALFSPACE_RUNS=${HALFSPACE_RUNS:-6}
# Convolutions once more, as where cuDNN has no algorithm that repeats.
HALFSPACE_EMULATED_CUDA_OFFER=1 XDG_CACHE_HOME=$PWD/build/emulated/cache \
  npx ava test/cuda.test.ts --match='*agrees in*conv*' --timeout=15m
npx ava test/cuda.test.ts test/cuda-devices.test.ts test/cuda-search.test.ts test/cuda-journal.test.ts \
  test/cuda-staging.test.ts test/cuda-sessions.test.ts test/cuda-bench.test.ts --timeout=15m "$@"
