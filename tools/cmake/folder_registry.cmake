# One plug-in, one file: the folder is the registry.
#
#   orrery_registry(collective FOLDER algorithms TYPE CollectiveAlgorithm
#                   HEADER collective/collective.hpp NAMESPACE collective_algorithms)
#
# Every algorithms/*.cpp joins the library, and its stem must name a `CollectiveAlgorithm` in the
# namespace orrery::collective_algorithms. A generated source lists them, sorted by stem, behind
#
#   std::span<const CollectiveAlgorithm* const> registered_collective_algorithms();
#
# which HEADER declares. A file whose object has another name is a link error. Sources are globbed
# nowhere else; CONFIGURE_DEPENDS makes a new file part of the next build.
function(orrery_registry library)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "FOLDER;TYPE;HEADER;NAMESPACE" "")
  file(GLOB plugins CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${arg_FOLDER}/*.cpp)
  list(SORT plugins)

  set(declarations "")
  set(addresses "")
  foreach(plugin IN LISTS plugins)
    cmake_path(GET plugin STEM stem)
    string(APPEND declarations "extern const ${arg_TYPE} ${stem};\n")
    string(APPEND addresses "    &${arg_NAMESPACE}::${stem},\n")
  endforeach()
  list(LENGTH plugins count)

  set(generated ${CMAKE_CURRENT_BINARY_DIR}/registered_${arg_NAMESPACE}.cpp)
  file(CONFIGURE OUTPUT ${generated} @ONLY CONTENT [[
#include <array>
#include <span>

#include "@arg_HEADER@"

namespace orrery::@arg_NAMESPACE@ {
@declarations@}

namespace orrery {
std::span<const @arg_TYPE@* const> registered_@arg_NAMESPACE@() {
  static constexpr std::array<const @arg_TYPE@*, @count@> all{
@addresses@  };
  return all;
}
}  // namespace orrery
]])
  target_sources(orrery_${library} PRIVATE ${plugins} ${generated})
endfunction()
