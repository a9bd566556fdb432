// How tokens spread over the members of a group that holds their experts: each token picks top_k of
// the experts, no expert twice, and some of its picks share a member or a node. What a dispatcher
// moves once per member or node instead of once per pick follows from the chance that a part of the
// group is picked at all:
//
//   1 - prod_{i<k} ((1 - s) E - i) / (E - i)
//
// for a part with the share s of E experts: sampling without replacement, which for many experts is
// 1 - (1 - s)^k, so that a token meets n (1 - (1 - 1/n)^k) of n equal nodes. With group-limited
// routing (DeepSeek-V3, arXiv 2412.19437, section 2.1.2) the experts lie in groups, of which each
// token may pick from a few.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace orrery {

struct TokenSpread {
  std::int64_t top_k = 1;
  std::int64_t experts = 0;     ///< 0: so many that one pick leaves the chances of the next alone
  std::int64_t groups = 1;      ///< of experts, equal and next to one another
  std::int64_t top_groups = 1;  ///< from so many of them a token picks
  /// Of all picks those that each member gets, in the group's order; empty: all alike.
  std::vector<double> shares{};

  std::partial_ordering operator<=>(const TokenSpread&) const = default;
  bool operator==(const TokenSpread&) const = default;

  bool even() const { return shares.empty(); }
  double share(std::size_t member, std::size_t members) const;
  /// The chance that a token picks any expert of a part that gets `share` of all picks.
  double chance(double share) const;
  /// On how many of `members` a token's picks lie on average.
  double members_met(std::size_t members) const;
  /// Picks of the fullest of `members` over the mean.
  double fullest_over_mean(std::size_t members) const;
  /// Tokens of all members that the fullest one gets, once each, for every token of one of them.
  double fullest_met(std::size_t members) const;
};

}  // namespace orrery
