#!/bin/sh
# Formats our C++ by .clang-format; with --check only says which files are not, and exits
# with 1 if any is. One version for everybody, Debian 12's: others break lines elsewhere.
set -eu

cd "$(dirname "$0")/.."
case "${1-}" in
  "") mode=-i ;;
  --check) mode="--dry-run --Werror" ;;
  *) echo "format: unknown argument $1; there is only --check" >&2; exit 2 ;;
esac
find sim tests tools -name '*.[ch]pp' -print0 | sort -z |
  xargs -0 --no-run-if-empty clang-format-14 $mode
