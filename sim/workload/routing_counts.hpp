// How many of some tokens pick each expert of a layer.
//
// A token picks a set of k distinct experts with a chance in proportion to the product of their
// popularities w (conditional Bernoulli sampling: Chen, Dempster, Liu, Biometrika 81, 1994). Asked
// expert by expert, a token with j picks left takes expert e with the chance
//
//   w_e · Z(j-1, e+1) / Z(j, e),   Z(j, e) = sum over sets of j of the experts from e on
//
// whatever it picked before, so tokens with equally many picks left are alike: the counts of N
// tokens are drawn exactly with k binomials an expert, however large N is. With equal popularities
// the chance is j over the experts left, and every set is as likely as every other. The same walk
// with means in the place of draws gives the expected counts.
//
// One draw is one micro-batch of a group of ranks that share a layer's experts. It stands for all
// micro-batches and all such groups of a step: popularity belongs to the layer, and drawing again
// for every group would leave no two ranks alike. Group-limited routing (DeepSeek-V3) says which
// experts go together, not how often each is picked, and changes no count here.
#pragma once

#include "workload/routing.hpp"

#include <cstdint>
#include <vector>

namespace orrery {

/// Of one layer and one group of ranks.
struct RoutingDemand {
  std::int64_t layer = 0;
  std::int64_t experts = 1;
  std::int64_t top_k = 1;
  std::int64_t tokens = 0;
};

/// Picks of each expert; they add up to tokens · top_k. A recorded layer is scaled to as many.
std::vector<std::int64_t> routed_counts(const Routing& routing, const RoutingDemand& demand);

/// What whoever knows the popularities, but not the draw, expects of them.
std::vector<double> expected_counts(const Routing& routing, const RoutingDemand& demand);

}  // namespace orrery
