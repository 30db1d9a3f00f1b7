#!/usr/bin/env bash
# Builds the CUDA engine with nvcc and puts it beside the addon, which looks for it there. Takes the CUDA
# toolkit 13 and no GPU. build/cuda/ptxas.txt says what every kernel needs of a multiprocessor.
#
# HALFSPACE_CUDA_LIBRARIES names a folder with include and lib of cuDNN 9 and cuBLAS; without it they are
# fetched from NVIDIA's wheels.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'build:cuda: %s\n' "$*" >&2; exit 1; }

command -v nvcc >/dev/null || PATH=$PATH:/usr/local/cuda/bin
command -v nvcc >/dev/null || fail 'nvcc is missing: install the CUDA toolkit 13 and put its bin folder into PATH'

libraries=${HALFSPACE_CUDA_LIBRARIES:-}
if [ -z "$libraries" ]; then
  bash scripts/cuda-libraries.sh || fail 'cuDNN and cuBLAS could not be fetched; name their folder in HALFSPACE_CUDA_LIBRARIES'
  libraries=$PWD/build/cuda-libraries
fi

cmake -S . -B build/cuda -DHALFSPACE_CUDA=nvcc \
  -DHALFSPACE_CUDA_LIBRARIES="$libraries" -DHALFSPACE_CUDA_OUTPUT="$PWD/build/cmake/Release"
cmake --build build/cuda --target halfspace_cuda --parallel "${JOBS:-2}"
npx tsx scripts/ptxas-report.ts build/cuda
