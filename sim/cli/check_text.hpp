// What `check` says, as people read it; `run` prints the same parts for a plan that does not work.
#pragma once

#include "cli/terminal.hpp"
#include "search/check.hpp"

#include <string>
#include <vector>

namespace orrery {

/// A line for each verdict, its remedy behind it; empty if there is none.
std::string verdict_text(const Feasibility& feasibility, const Paint& paint);
/// Which rank holds which parts of the model.
std::string division_text(const Division& division);
/// What the ranks of each stage hold at their fullest.
std::string memory_text(const Scenario& scenario, const Feasibility& feasibility);
/// For each claim: the claim, what is found, the difference and the reason.
std::string claim_text(const CheckReport& report, const Paint& paint);
/// Claims that say something about one another, and whether they agree.
std::string identities_text(const std::vector<Identity>& identities, const Paint& paint);
/// The nearest plans that work with their effect, the launch line of the first and what to watch;
/// or that there are none.
std::string remedy_text(const CheckReport& report, const Paint& paint);

/// All of it.
std::string check_text(const Scenario& scenario, const CheckReport& report, const Paint& paint);

}  // namespace orrery
