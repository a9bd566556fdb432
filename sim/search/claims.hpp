// Claims that a scenario makes about itself, held against figures and against one another.
//
// For each `[[expect]]`: what was claimed, what is found, by how much they differ and why, in one
// line. Reasons are found, not written for a case: a mix-up of units or of what is counted
// (base/difference.hpp), a time shorter than computing takes at peak rate, or else where the found
// figure comes from. Claims must also agree among themselves (so many sequences in such a time are
// such a rate); those identities need nothing but the claims.
#pragma once

#include "base/difference.hpp"
#include "search/figures.hpp"

#include <optional>
#include <string>
#include <vector>

namespace orrery {

enum class ClaimState { holds, fails, open };
std::string_view to_string(ClaimState state);

struct Claim {
  std::string metric;
  std::string claimed;          ///< as the user wrote it
  std::optional<double> value;  ///< or the bound, in SI units
  std::optional<double> found;
  std::optional<double> error;  ///< found ÷ claimed − 1, as results count it
  ClaimState state = ClaimState::open;
  std::string reason;  ///< one line
  std::string source;
};

/// Every expectation of the scenario, in its order. Those about figures that are missing are open.
std::vector<Claim> judge_claims(const Scenario& scenario, const Feasibility& feasibility,
                                const Figures& figures);

/// Two claims, or a claim and the scenario, that say something about one another.
struct Identity {
  std::string metric;  ///< of the claim that is implied by others
  double claimed = 0.0;
  double implied = 0.0;
  std::string formula;  ///< "128 sequences in 8 ms are 16000 a second"
  bool holds = true;    ///< within 1 %
  std::string reason;   ///< of a contradiction, when a mix-up explains it
};

std::vector<Identity> judge_identities(const Scenario& scenario);

/// A value of a metric with its unit, for people: "114.5 GB", "8.000 ms", "133.3 %".
std::string format_figure(std::string_view metric, double value);

}  // namespace orrery
