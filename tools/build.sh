#!/bin/bash
# build.sh PRESET [TARGET...]: configures build/PRESET when that was not done yet, then builds what
# is out of date. Speaks on stderr only, and only of work it does: one line that rewrites itself on
# a terminal, one line per tenth of the work elsewhere.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=$1
shift
folder=$root/build/$preset

say() { echo "build: $*" >&2; }

configure() {
  say "configuring $preset"
  local words
  if ! words=$(cd "$root" && cmake --preset "$preset" 2>&1); then
    echo "$words" >&2
    rm -f "$folder/build.ninja"  # so that the next call configures again
    return 1
  fi
}

# Reads ninja's lines and passes on what a person wants to know of them.
narrate() {
  local line tenth last=0 shown=
  while IFS= read -r line; do
    case $line in
      "-- "* | "ninja: no work to do." | *"Re-checking globbed"* | *"Re-running CMake"*) ;;
      "ninja: Entering directory"*) ;;
      "["*/*"] "*)
        if [[ -t 2 ]]; then
          printf '\r\033[K%.*s' "$((${COLUMNS:-80} - 1))" "build: $preset $line" >&2
          shown=yes
        elif [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
          tenth=$((10 * BASH_REMATCH[1] / BASH_REMATCH[2]))
          if ((tenth > last)); then
            say "$preset ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]} steps"
            last=$tenth
          fi
        fi
        ;;
      *) [[ -z $line ]] || echo "${shown:+$'\r\033[K'}$line" >&2 ;;
    esac
  done
  [[ -z $shown ]] || printf '\r\033[K' >&2
}

[[ -f $folder/build.ninja ]] || configure
ninja -C "$folder" -j "$(nproc)" "$@" 2>&1 | narrate
