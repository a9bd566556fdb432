#!/bin/sh
# Installs what building and testing need and is not there yet, from Debian 12's own packages.
# Says nothing when nothing is missing. With --all also what only some work needs: benchmarks,
# fuzzing under clang, coverage.
set -eu

# tools/cmake/dependencies.cmake looks for exactly these libraries.
compiler="g++ cmake ninja-build ccache mold"
libraries="libfmt-dev libboost-dev libboost-program-options-dev
  libtomlplusplus-dev libhdf5-dev nlohmann-json3-dev zlib1g-dev"
tests="libgtest-dev libgmock-dev clang-format-14"
python="python3 python3-h5py python3-matplotlib python3-numpy python3-pandas python3-pytest"
python="$python python3-scipy"
extras="libbenchmark-dev clang-16 libclang-rt-16-dev gcovr"

say() { echo "setup: $*" >&2; }

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Silent unless it fails; a lock that somebody else holds is waited for.
apt() {
  words=$($as_root env DEBIAN_FRONTEND=noninteractive apt-get --quiet \
    -o DPkg::Lock::Timeout=600 "$@" 2>&1) && return
  echo "$words" >&2
  say "apt-get $1 failed"
  exit 1
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

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  as_root=sudo
  if ! command -v sudo >/dev/null; then
    say "missing, and installing needs root:$missing"
    exit 1
  fi
fi

say "reading the package lists"
apt update
say "installing$missing"
apt install --yes --no-install-recommends $missing
