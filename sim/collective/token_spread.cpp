#include "collective/token_spread.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

/// The chance that `picks` of `experts`, none twice, all miss a part that holds `share` of them.
double missed(double share, double experts, std::int64_t picks) {
  double chance = 1.0;
  for (std::int64_t i = 0; i < picks; ++i) {
    const auto gone = static_cast<double>(i);
    const double left = (1.0 - share) * experts - gone;
    chance *= experts > 0.0 ? std::max(0.0, left) / (experts - gone) : 1.0 - share;
  }
  return chance;
}

/// The chance that `drawn` of `groups` hold exactly `met` of the `within` that a part has.
double hypergeometric(double groups, double within, double drawn, double met) {
  const auto log_choose = [](double n, double k) {
    return std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0);
  };
  if (met > within || drawn - met > groups - within) return 0.0;
  return std::exp(log_choose(within, met) + log_choose(groups - within, drawn - met) -
                  log_choose(groups, drawn));
}

/// Of a part that holds `within` whole groups.
double chance_of_groups(const TokenSpread& spread, double within) {
  const auto groups = static_cast<double>(spread.groups);
  const auto drawn = static_cast<double>(spread.top_groups);
  const double experts = static_cast<double>(spread.experts) * drawn / groups;
  double chance = 0.0;
  for (double met = 1.0; met <= drawn; met += 1.0) {
    chance += hypergeometric(groups, within, drawn, met) *
              (1.0 - missed(met / drawn, experts, spread.top_k));
  }
  return chance;
}

}  // namespace

double TokenSpread::share(std::size_t member, std::size_t members) const {
  return even() ? 1.0 / static_cast<double>(members) : shares[member];
}

double TokenSpread::chance(double share) const {
  if (top_groups >= groups) return 1.0 - missed(share, static_cast<double>(experts), top_k);
  const auto all = static_cast<double>(groups);
  const auto drawn = static_cast<double>(top_groups);
  const double within = share * all;
  if (within < 1.0) {
    const double rest = static_cast<double>(experts) * drawn / all;
    return drawn / all * (1.0 - missed(within / drawn, rest, top_k));
  }
  // Parts that end inside a group lie between those that do not.
  const double below = std::floor(within + 1e-9);
  const double beyond = std::max(0.0, within - below);
  const double chance = chance_of_groups(*this, below);
  return beyond == 0.0 || below >= all
             ? chance
             : (1.0 - beyond) * chance + beyond * chance_of_groups(*this, below + 1.0);
}

double TokenSpread::fullest_over_mean(std::size_t members) const {
  return even() ? 1.0 : *std::ranges::max_element(shares) * static_cast<double>(members);
}

double TokenSpread::fullest_met(std::size_t members) const {
  const double most = even() ? share(0, members) : *std::ranges::max_element(shares);
  return static_cast<double>(members) * chance(most);
}

double TokenSpread::members_met(std::size_t members) const {
  if (even()) return static_cast<double>(members) * chance(share(0, members));
  double met = 0.0;
  for (const double part : shares) met += chance(part);
  return met;
}

}  // namespace orrery
