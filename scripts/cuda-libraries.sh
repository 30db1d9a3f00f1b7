#!/usr/bin/env bash
# Puts headers and libraries of cuDNN 9 and cuBLAS for CUDA 13 into build/cuda-libraries, from NVIDIA's
# own wheels, for machines whose system has none: what linking and loading take (0.6 GB), or with `--all`
# also what running on a GPU takes, NVRTC among it: cuBLASLt and engines of cuDNN open it when they compile
# kernels of their own.
set -euo pipefail
cd "$(dirname "$0")/.."

target=build/cuda-libraries
python=${HALFSPACE_PYTHON:-python3}
wanted=('nvidia/*/include/*' 'nvidia/*/lib/libcudnn.so.9' 'nvidia/*/lib/libcublas*.so.13')
[ "${1:-}" = --all ] && wanted=('nvidia/*/include/*' 'nvidia/*/lib/*')

complete=$target/.complete${1:-}
for mark in "$complete" "$target/.complete--all"; do
  [ -e "$mark" ] && exit
done
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
"$python" -m pip download --quiet --no-deps --dest "$wheels" 'nvidia-cudnn-cu13<10' 'nvidia-cublas<14'
if [ "${1:-}" = --all ]; then
  "$python" -m pip download --quiet --no-deps --dest "$wheels" 'nvidia-cuda-nvrtc<14' ||
    echo 'cuda-libraries: NVRTC 13 could not be fetched; what compiles kernels as it runs will not find libnvrtc.so.13, unless the system has it (cuda-nvrtc-13-0)' >&2
fi
mkdir -p "$target/include" "$target/lib"
for wheel in "$wheels"/*.whl; do
  "$python" - "$wheel" "$target" "${wanted[@]}" <<'PYTHON'
import fnmatch, os, shutil, sys, zipfile

wheel, target, *wanted = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name.endswith('/') or not any(fnmatch.fnmatch(name, pattern) for pattern in wanted):
            continue
        place = os.path.join(target, *name.split('/')[2:])
        with archive.open(name) as source, open(place, 'wb') as copy:
            shutil.copyfileobj(source, copy)
PYTHON
done
touch "$complete"
