#include "base/check.hpp"
#include "fuzz/program_property.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(bytes, bytes + size);
  const std::string broken = orrery::fuzz::broken_promise(text);
  CHECK(broken.empty(), broken);
  return 0;
}
