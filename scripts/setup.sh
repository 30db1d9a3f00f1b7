#!/usr/bin/env bash
# Installs what the project needs and builds the addon. Safe to run again: it does what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

check_node() {
  command -v node >/dev/null || fail 'Node.js is missing: install version 20.19 or later from https://nodejs.org'
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "Node.js $(node --version) is too old: 20.19 or later is needed"
}

# oneDNN's own CMake files look for OpenCL, which Debian only recommends beside it.
debian_packages=(build-essential cmake libdnnl-dev libjpeg-dev ocl-icd-opencl-dev)

missing_debian_packages() {
  local package
  for package in "${debian_packages[@]}"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

install_debian() {
  local missing sudo=''
  missing=$(missing_debian_packages)
  [ -z "$missing" ] && return
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "run as root, or install yourself: apt-get install" $missing
    sudo=sudo
  fi
  say "installing" $missing
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

install_mac() {
  command -v brew >/dev/null || fail 'Homebrew is missing: install it from https://brew.sh, then run this again'
  xcode-select -p >/dev/null 2>&1 || fail 'the C++ compiler is missing: run xcode-select --install, then this again'
  local formula
  for formula in cmake jpeg-turbo onednn libomp; do
    brew list "$formula" >/dev/null 2>&1 || brew install "$formula"
  done
}

install_system_packages() {
  if command -v apt-get >/dev/null; then install_debian
  elif [ "$(uname -s)" = Darwin ]; then install_mac
  else
    fail "this system has neither apt nor Homebrew; install a C++20 compiler, CMake 3.21 or later, oneDNN 2.6 or later and libjpeg-turbo with headers, then run: npm ci && npm run build:native"
  fi
}

# node_modules is good as long as it is newer than the lockfile it came from.
install_node_modules() {
  [ node_modules/.package-lock.json -nt package-lock.json ] && return
  say 'installing node modules'
  # onnxruntime-node is used on the CPU only, by tests: nothing to download for it.
  ONNXRUNTIME_NODE_INSTALL=skip npm ci --no-audit --no-fund
}

check_node
install_system_packages
install_node_modules
say 'building the addon'
npm run --silent build:native
say 'ready: npm start, npm test, npm run halfspace -- --help'
