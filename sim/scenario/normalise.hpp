// A scenario written out: everything it refers to, all defaults, overrides applied, as TOML.
//
// The text loads back to the same scenario. It is what the results file keeps, so that a run can be
// repeated without the files it was made from. Models, clusters and profiles appear as their files
// state them, in full.
#pragma once

#include "base/settings.hpp"
#include "scenario/scenario.hpp"

#include <string>

namespace orrery {

/// The scenario's own tree and those behind the parts that have files of their own.
struct SourceTrees {
  const SettingsNode& scenario;
  const SettingsNode& model;
  const SettingsNode& cluster;
  const SettingsNode& gpu;
  const SettingsNode& software;
};

std::string normalised_text(const Scenario& scenario, const SourceTrees& trees);

}  // namespace orrery
