#!/bin/sh
# Installs what building and testing need and is not there yet, from Debian 12's own packages.
# Says nothing when nothing is missing. With --all also what only some work needs: benchmarks,
# fuzzing under clang, formatting, coverage.
set -eu

# tools/cmake/dependencies.cmake looks for exactly these libraries.
compiler="g++ cmake ninja-build ccache mold"
libraries="libfmt-dev libboost-dev libboost-program-options-dev
  libtomlplusplus-dev libhdf5-dev nlohmann-json3-dev zlib1g-dev"
tests="libgtest-dev libgmock-dev"
python="python3 python3-h5py python3-matplotlib python3-numpy python3-pandas python3-pytest"
extras="libbenchmark-dev clang-14 clang-format-14 clang-tidy-14 gcovr"

say() { echo "setup: $*" >&2; }

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    say "this needs root and there is no sudo: $*"
    exit 1
  fi
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get --quiet --quiet \
    -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@" >&2
}

wanted="$compiler $libraries $tests $python"
case "${1-}" in
  "") ;;
  --all) wanted="$wanted $extras" ;;
  *) say "unknown argument $1; there is only --all"; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
  say "not a Debian system; these Debian 12 packages name what is needed:" $wanted
  exit 0
fi

missing=""
for package in $wanted; do
  is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

say "reading the package lists"
apt update
say "installing$missing"
apt install --yes --no-install-recommends $missing
say "done"
