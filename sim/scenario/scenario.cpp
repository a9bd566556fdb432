#include "scenario/scenario.hpp"

namespace orrery {

SourcePosition Scenario::position(std::string_view key) const {
  while (true) {
    const auto found = places.find(key);
    if (found != places.end()) return found->second;
    const std::size_t dot = key.rfind('.');
    if (dot == std::string_view::npos) return {path, 0, 1};
    key = key.substr(0, dot);
  }
}

}  // namespace orrery
