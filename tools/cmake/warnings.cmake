# How our own code is compiled: the target `orrery_options`, which every library and program links.
#
# -ffp-contract=off is part of the determinism law: with contraction the same source gives other
# bits on a machine with fused multiply-add. Never add -ffast-math or -march=native here.

add_library(orrery_options INTERFACE)
target_compile_options(orrery_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
  -ffp-contract=off
  # Paths in binaries start at the root of the source, so a build says nothing of where it was made
  # and ccache serves every build folder alike.
  -ffile-prefix-map=${PROJECT_BINARY_DIR}=build
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 sees overlapping copies in `"text" + std::string` where there are none (GCC PR 105651).
  target_compile_options(orrery_options INTERFACE -Wno-restrict)
endif()

if(ORRERY_SANITIZE)
  target_compile_options(orrery_options INTERFACE
    -fsanitize=${ORRERY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    # Instrumented code confuses the flow analysis of this one warning; the plain build keeps it.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(orrery_options INTERFACE -fsanitize=${ORRERY_SANITIZE})
endif()

if(ORRERY_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "ORRERY_FUZZ needs clang: cmake --preset fuzz")
  endif()
  target_compile_options(orrery_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(ORRERY_COVERAGE)
  target_compile_options(orrery_options INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(orrery_options INTERFACE --coverage)
endif()
