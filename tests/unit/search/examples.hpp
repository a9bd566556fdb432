// Scenarios that the tests of this folder share. Tests run from the root of the source.
#pragma once

#include "scenario/load.hpp"

#include <string>
#include <utility>
#include <vector>

namespace orrery {

using Overrides = std::vector<std::pair<std::string, std::string>>;

inline Scenario load(const std::string& path, const Overrides& overrides = {}) {
  LoadOptions options;
  options.search_paths = {"."};
  options.illegal = Illegal::report;
  for (const auto& [key, value] : overrides) {
    options.overrides.push_back(parse_override(key + "=" + value));
  }
  return load_scenario(path, options);
}

inline Scenario deployment(const std::string& name, const Overrides& overrides = {}) {
  return load("scenarios/deployments/" + name + ".toml", overrides);
}

}  // namespace orrery
