#!/usr/bin/env bash
# Puts headers and libraries of cuDNN 9 and cuBLAS for CUDA 13 into build/cuda-libraries, from NVIDIA's
# own wheels, for machines whose system has none. `--all` also unpacks what only running needs (2 GB).
set -euo pipefail
cd "$(dirname "$0")/.."

target=build/cuda-libraries
python=${HALFSPACE_PYTHON:-python3}
wanted=('nvidia/*/include/*' 'nvidia/*/lib/libcudnn.so.9' 'nvidia/*/lib/libcublas*.so.13')
[ "${1:-}" = --all ] && wanted=('nvidia/*/include/*' 'nvidia/*/lib/*')

complete=$target/.complete-${1:-link}
[ -e "$complete" ] && exit
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
"$python" -m pip download --quiet --no-deps --dest "$wheels" 'nvidia-cudnn-cu13<10' 'nvidia-cublas<14'
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
