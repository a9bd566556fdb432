// Everything that can be said about a scenario before it is run in earnest: one call for `orrery
// check`, and for `orrery run` of a plan that does not work.
#pragma once

#include "search/claims.hpp"
#include "search/launch.hpp"
#include "search/remedies.hpp"

#include <optional>
#include <string>
#include <vector>

namespace orrery {

struct CheckReport {
  Feasibility feasibility;
  Figures figures;
  std::optional<Forecast> forecast;  ///< of the plan as stated; only when a claim asks for it
  std::vector<Claim> claims;
  std::vector<Identity> identities;
  std::vector<Remedy> remedies;  ///< when the plan does not work
  std::optional<Launch>
      launch;  ///< of the first remedy, or of the plan when it works and was simulated

  /// The plan works and no claim, and no identity between claims, is contradicted.
  bool passes() const;
};

/// The plan as stated is simulated only if it can be and a claim needs more than arithmetic; its
/// remedies always are, as far as they are shown.
CheckReport check(const Scenario& scenario, const Simulate& simulate);

}  // namespace orrery
