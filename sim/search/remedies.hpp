// The nearest plans that work, for one that does not.
//
// Candidates are tried nearest first: those that are legal and whose fullest stage fits are
// simulated, a few of them, and ranked by how much they change, where taking twice the time of the
// fastest counts as much as one more degree changed. A smaller model is looked for only when
// nothing else fits.
#pragma once

#include "search/candidates.hpp"
#include "search/forecast.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace orrery {

struct Remedy {
  Scenario scenario;     ///< the plan itself, ready to run
  std::string strategy;  ///< its normal form
  int cost = 0;          ///< how far from the plan as stated
  std::vector<std::string> changes;
  Forecast forecast;
};

struct RemedyLimits {
  std::size_t shown = 5;        ///< remedies wanted
  std::size_t simulated = 10;   ///< candidates that are simulated for them
  std::size_t planned = 4'000;  ///< candidates whose memory is looked at
};

/// Ranked, nearest first. Empty if nothing fits.
std::vector<Remedy> find_remedies(const Scenario& scenario, const Simulate& simulate,
                                  const RemedyLimits& limits = {});

}  // namespace orrery
