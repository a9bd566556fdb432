# What the project needs of others, all of it in Debian 12: tools/setup-debian.sh has the packages.
#
#   fmt::fmt  Boost::headers (Graph)  Boost::program_options  tomlplusplus::tomlplusplus
#   hdf5::hdf5  nlohmann_json::nlohmann_json  ZLIB::ZLIB  Threads::Threads
#   with tests: GTest::gmock_main      with benchmarks: benchmark::benchmark_main
#
# They are imported targets, so their headers are SYSTEM and our warnings stay off them.

find_package(fmt 9.1 REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(HDF5 1.10 REQUIRED COMPONENTS C)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)

# Debian's target sets TOML_HEADER_ONLY=0: the parser is compiled already, not again by us.
find_package(tomlplusplus 3.3 REQUIRED)

if(ORRERY_TESTS)
  find_package(GTest 1.12 REQUIRED)
endif()
if(ORRERY_BENCH)
  find_package(benchmark 1.7 REQUIRED)
endif()

# Speed only, so used when found: ccache remembers objects over build folders, mold links fast.
find_program(ORRERY_CCACHE ccache)
if(ORRERY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ORRERY_CCACHE})
endif()
find_program(ORRERY_MOLD mold)
if(ORRERY_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# HDF5 names every library it was ever linked with; a program should load only those it calls.
add_link_options(-Wl,--as-needed)
