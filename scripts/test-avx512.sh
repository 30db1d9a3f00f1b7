#!/usr/bin/env bash
# Runs C++ tests of the CPU engine on an emulated processor with AVX-512, for machines that have none: bf16
# above all. Bochs, of Debian's packages, boots a Linux that holds nothing but the tests, in one minute, and runs
# them, a hundred times slower than the processor below. Takes Debian 12 with apt-get; nothing is installed.
#
#   npm run test:avx512 -- [PROGRAM ...]     of native/test, with its width of blocks: bf16_test_16
set -euo pipefail
cd "$(dirname "$0")/.."

programs=("${@:-bf16_test_16}")
work=$PWD/build/avx512
root=$work/root
system=$work/system

fetch_packages() {
  [ -e "$work/.complete" ] && return
  local kernel
  kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
  mkdir -p "$work/packages" "$root"
  (cd "$work/packages" && apt-get download --quiet bochs bochs-term bochsbios vgabios libltdl7 libsamplerate0 \
    isolinux syslinux-common xorriso libisoburn1 libburn4 libisofs6 libjte2 busybox-static "$kernel")
  for package in "$work"/packages/*.deb; do dpkg -x "$package" "$root"; done
  touch "$work/.complete"
}

# The programs and the libraries that they need, and what runs them one after the other.
make_system() {
  rm -rf "$system"
  mkdir -p "$system"/{bin,dev,proc,tests}
  cp "$root/bin/busybox" "$system/bin"
  for program in "${programs[@]}"; do
    cp "$work/build/$program" "$system/tests"
    ldd "$work/build/$program" | grep -o '/[^ ]*' | while read -r library; do
      install -D "$library" "$system$library"
    done
  done
  cat >"$system/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
for program in /tests/*; do
  echo "run ${program#/tests/}"
  HALFSPACE_TEST_THREADS=1 $program
  echo "status $?"
done
$b sleep 1
$b poweroff -f
INIT
  chmod +x "$system/init"
}

# A disk that boots it. Bochs counts the state of protection keys, which it does not have, so the kernel would
# give up all vector registers unless it leaves the compacted format (bits 321 and 323) alone.
make_disk() {
  local disk=$work/disk
  mkdir -p "$disk"
  (cd "$system" && find . | "$root/bin/busybox" cpio -o -H newc 2>/dev/null) >"$disk/initrd"
  cp "$root"/boot/vmlinuz-* "$disk/linux"
  cp "$root/usr/lib/ISOLINUX/isolinux.bin" "$root/usr/lib/syslinux/modules/bios/ldlinux.c32" "$disk"
  cat >"$disk/isolinux.cfg" <<'BOOT'
default tests
label tests
  kernel /linux
  initrd /initrd
  append console=ttyS0 clearcpuid=321,323 mitigations=off no_timer_check random.trust_cpu=on loglevel=3 panic=-1
BOOT
  LD_LIBRARY_PATH=$libraries "$root/usr/bin/xorriso" -as mkisofs -quiet -o "$work/disk.iso" -b isolinux.bin \
    -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$disk" 2>/dev/null
}

boot() {
  cat >"$work/bochsrc" <<BOCHS
display_library: term
plugin_ctrl: voodoo=0
cpu: model=corei7_skylake_x, ips=100000000, reset_on_triple_fault=0
memory: guest=1024, host=1024
romimage: file=$root/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=$root/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=$work/disk.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/console
log: $work/log
panic: action=fatal
clock: sync=none
BOCHS
  echo continue >"$work/commands"
  rm -f "$work/console"
  # It wants a terminal to draw a screen on, and ends with an error when the machine is switched off.
  LD_LIBRARY_PATH=$libraries LTDL_LIBRARY_PATH=$libraries/bochs/plugins TERM=xterm script -qec \
    "'$root/usr/bin/bochs-bin' -q -rc '$work/commands' -f '$work/bochsrc'" /dev/null </dev/null >/dev/null 2>&1 || true
}

libraries=$root/usr/lib/x86_64-linux-gnu
fetch_packages
cmake -S . -B "$work/build" -DHALFSPACE_TESTS=ON
cmake --build "$work/build" --target "${programs[@]}" --parallel "${JOBS:-2}"
make_system
make_disk
boot
tr -d '\r' <"$work/console" | sed -n '/^run /,$p'
[ "$(grep -c '^status 0' "$work/console")" -eq ${#programs[@]} ]
