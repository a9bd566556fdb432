// The nearest plans that work, for one that does not.
//
// Candidates are tried nearest first: those that are legal and whose fullest stage fits are
// simulated, a few of them, and ranked by how much they change, where taking twice the time of the
// fastest counts as much as one more degree changed. A smaller model is looked for only when
// nothing else fits.
//
// Every remedy that is shown has been simulated in full. Where the candidates together have too
// many ranks for that, the same ranking chooses among them first, by copies of them with a few
// replicas each: a rank does there what it does in the whole, only its exchanges with replicas are
// shorter.
#pragma once

#include "search/candidates.hpp"
#include "search/forecast.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace orrery {

struct Remedy {
  Scenario scenario;     ///< the plan itself, ready to run
  std::string strategy;  ///< its normal form
  Candidate candidate;   ///< how far from the plan as stated, and in what
  Forecast forecast;
};

struct RemedyLimits {
  std::size_t shown = 5;                       ///< remedies wanted
  std::size_t simulated = 10;                  ///< candidates that are simulated for them
  std::size_t planned = 4'000;                 ///< candidates whose memory is looked at
  std::int64_t ranks = std::int64_t{1} << 21;  ///< of all that are simulated in full: ten seconds
};

/// Ranked, nearest first. Empty if nothing fits.
std::vector<Remedy> find_remedies(const Scenario& scenario, const Simulate& simulate,
                                  const RemedyLimits& limits = {});

}  // namespace orrery
