#include "base/check.hpp"
#include "fuzz/scenario_property.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string broken =
      orrery::fuzz::broken_promise_of_scenario(std::string(bytes, bytes + size));
  CHECK(broken.empty(), broken);
  return 0;
}
