#!/usr/bin/env bash
# Runs on a real GPU what test:cuda runs on the emulation: the kernel tests, the operators, training and
# updates against the reference, and whole runs beside the CPU's. Where there is no GPU it says why, and
# ends well.
set -euo pipefail
cd "$(dirname "$0")/.."

unset HALFSPACE_CUDA_LIBRARY
if [ ! -e /dev/nvidiactl ] && [ ! -e /dev/dxg ]; then
  echo 'test:gpu: skipped, as there is no driver of NVIDIA (neither /dev/nvidiactl nor /dev/dxg)'
  exit
fi
if ! command -v nvcc >/dev/null && [ ! -x /usr/local/cuda/bin/nvcc ]; then
  echo 'test:gpu: skipped, as there is no nvcc to build the CUDA engine with'
  exit
fi
# Running takes more of cuDNN than linking.
[ -n "${HALFSPACE_CUDA_LIBRARIES:-}" ] || bash scripts/cuda-libraries.sh --all
# The libraries open each other, and NVRTC, by name.
export LD_LIBRARY_PATH=${HALFSPACE_CUDA_LIBRARIES:-$PWD/build/cuda-libraries}/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
bash scripts/build-cuda.sh
# Named, so that suites which find no GPU fail instead of skipping themselves.
export HALFSPACE_CUDA_LIBRARY=$PWD/build/cmake/Release/halfspace_cuda.so

missing=$(npx tsx lib/cli/main.ts devices --json | npx tsx scripts/missing-gpu.ts)
if [ -n "$missing" ]; then
  echo "test:gpu: skipped, as there is no GPU to use: $missing"
  exit
fi

cmake build/cuda -DHALFSPACE_TESTS=ON
cmake --build build/cuda --target cuda_tests --parallel "${JOBS:-2}"
ctest --test-dir build/cuda --output-on-failure --tests-regex '_on_cuda$'
npx ava test/cuda.test.ts test/cuda-object.test.ts test/cuda-search.test.ts test/cuda-staging.test.ts \
  test/cuda-sessions.test.ts test/cuda-bench.test.ts --timeout=15m
