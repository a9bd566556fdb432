# The kinds of targets: a folder's library, a test program, a benchmark, a fuzzer, tests in Python.
#
#   orrery_library(network SOURCES max_min.cpp fair_share.cpp DEPENDS orrery_program orrery_base)
#   orrery_test(network SOURCES max_min_test.cpp DEPENDS orrery_network)         -> network_test
#   orrery_bench(engine SOURCES engine_bench.cpp DEPENDS orrery_engine)          -> engine_bench
#   orrery_fuzzer(units SOURCES units_fuzz.cpp DEPENDS orrery_base)              -> units_fuzz
#   orrery_python_tests(analysis)                                                -> analysis.python

# Adds the folders (globs, relative to the root) that have a CMakeLists.txt; a new one is noticed.
function(orrery_add_folders)
  list(TRANSFORM ARGN APPEND /CMakeLists.txt)
  list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/)
  file(GLOB lists CONFIGURE_DEPENDS ${ARGN})
  foreach(list IN LISTS lists)
    cmake_path(GET list PARENT_PATH folder)
    add_subdirectory(${folder})
  endforeach()
endfunction()

# A folder of sim/ as the static library orrery_<name>. It may still be without sources.
function(orrery_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
  orrery_reject_leftovers(orrery_library ${name} "${arg_UNPARSED_ARGUMENTS}")
  orrery_keep_written(arg_SOURCES)
  if(NOT arg_SOURCES)
    set(arg_SOURCES ${CMAKE_CURRENT_BINARY_DIR}/no_sources_yet.cpp)
    file(CONFIGURE OUTPUT ${arg_SOURCES} CONTENT "// ${name} consists of headers only.\n")
  endif()
  add_library(orrery_${name} STATIC ${arg_SOURCES})
  target_include_directories(orrery_${name} PUBLIC ${PROJECT_SOURCE_DIR}/sim)
  target_link_libraries(orrery_${name} PRIVATE orrery_options PUBLIC ${arg_DEPENDS})
endfunction()

# A program of GoogleTest tests; ctest knows each TEST as <name>.<Suite>.<Sentence> and runs it from
# the root of the source, so that it may read models/ and topologies/. Its label is the folder below
# tests/.
function(orrery_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
  orrery_reject_leftovers(orrery_test ${name} "${arg_UNPARSED_ARGUMENTS}")
  orrery_keep_written(arg_SOURCES)
  if(NOT arg_SOURCES)
    return()
  endif()
  orrery_test_program(${name}_test GTest::gmock_main)
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/tests
             OUTPUT_VARIABLE folder)
  string(REGEX REPLACE "/.*" "" label "${folder}")
  if(label STREQUAL "unit")
    add_dependencies(unit_tests ${name}_test)  # what the sanitizers' run builds
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name}_test TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST
                       NO_PRETTY_VALUES DISCOVERY_TIMEOUT 120
                       WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                       PROPERTIES LABELS ${label} TIMEOUT 300)
endfunction()

# A benchmark of google-benchmark; `ninja bench` builds all of them.
function(orrery_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
  orrery_reject_leftovers(orrery_bench ${name} "${arg_UNPARSED_ARGUMENTS}")
  orrery_test_program(${name}_bench benchmark::benchmark_main)
  add_dependencies(bench ${name}_bench)
endfunction()

# A fuzzer under clang. Elsewhere the same file becomes a program that replays the inputs it is
# given, so that a folder of inputs that once failed is a test under every compiler.
function(orrery_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
  orrery_reject_leftovers(orrery_fuzzer ${name} "${arg_UNPARSED_ARGUMENTS}")
  if(ORRERY_FUZZ)
    orrery_test_program(${name}_fuzz -fsanitize=fuzzer)
  else()
    orrery_test_program(${name}_fuzz fuzz_replay)
  endif()
endfunction()

# Every *_test.py of the current folder; ORRERY names the program to those that run it.
function(orrery_python_tests name)
  add_test(NAME ${name}.python
           COMMAND /usr/bin/python3 -B -m pytest -q -p no:cacheprovider ${CMAKE_CURRENT_SOURCE_DIR}
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name}.python PROPERTIES LABELS python TIMEOUT 300)
  if(TARGET orrery)
    set_tests_properties(${name}.python PROPERTIES ENVIRONMENT "ORRERY=$<TARGET_FILE:orrery>")
  endif()
endfunction()

# What the kinds of test programs have in common; reads the caller's arg_SOURCES and arg_DEPENDS.
function(orrery_test_program target main)
  add_executable(${target} ${arg_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE ${arg_DEPENDS} ${main} orrery_options)
endfunction()

function(orrery_reject_leftovers kind name leftovers)
  if(leftovers)
    message(FATAL_ERROR "${kind}(${name} ...) takes SOURCES and DEPENDS, not ${leftovers}")
  endif()
endfunction()

# Leaves out sources that are named but not written yet, and says so: one unfinished folder must not
# keep the others from building. (tools/tidy.py counts such a name as an error.)
function(orrery_keep_written sources)
  set(written "")
  foreach(source IN LISTS ${sources})
    if(IS_ABSOLUTE ${source})  # made by the build
      list(APPEND written ${source})
      continue()
    endif()
    file(GLOB found RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS ${source})
    if(NOT found)
      message(WARNING "${source} is named but does not exist yet")
    endif()
    list(APPEND written ${found})
  endforeach()
  set(${sources} ${written} PARENT_SCOPE)
endfunction()
