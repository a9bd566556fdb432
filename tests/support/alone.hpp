// How long an operation takes when nothing else moves: the phases one after the other, each as
// long as the longest of its bundles, a bundle at the rate that its tightest link allows.
#pragma once

#include "collective/paths.hpp"
#include "collective/transfer_plan.hpp"

#include <algorithm>

namespace orrery::testing {

/// In seconds. Bundles of a phase must not share links.
inline double alone(const TransferPlan& plan, const Shape& shape, const Cluster& cluster) {
  std::vector<const BundleShape*> patterns;
  for (const PhaseShape& phase : shape.phases) {
    for (const BundleShape& bundle : phase.bundles) patterns.push_back(&bundle);
  }
  double seconds = 0.0;
  for (const Phase& phase : plan.phases) {
    double longest = 0.0;
    for (const Bundle& bundle : phase.bundles) {
      const double rate =
          std::min(bundle.rate_cap, bottleneck(patterns[bundle.pattern]->crossings, cluster));
      longest = std::max(longest, to_seconds(bundle.latency).value() + bundle.bytes / rate);
    }
    seconds += longest * phase.repeat;
  }
  return seconds;
}

struct Operation {
  CollectiveKind kind = CollectiveKind::all_reduce;
  Bytes size;
  std::vector<VertexId> members;
  CollectiveTuning tuning{"none", ""};
  Steps steps = Steps::bundled;
};

inline TransferPlan plan_of(const Operation& what, const Cluster& cluster) {
  const Choice choice = choose(what.kind, what.size, what.members, cluster, what.tuning);
  const Shape shape = choice.algorithm->shape(what.kind, what.members, cluster, what.steps);
  return make_transfer_plan({shape, choice, what.kind, what.size, what.members.size()});
}

inline double alone(const Operation& what, const Cluster& cluster) {
  const Choice choice = choose(what.kind, what.size, what.members, cluster, what.tuning);
  const Shape shape = choice.algorithm->shape(what.kind, what.members, cluster, what.steps);
  return alone(make_transfer_plan({shape, choice, what.kind, what.size, what.members.size()}),
               shape, cluster);
}

}  // namespace orrery::testing
