// Groups of ranks with everything their operations need: how each runs and which links it crosses.
#pragma once

#include "cluster/cluster.hpp"
#include "collective/collective.hpp"
#include "lower/lower.hpp"
#include "lower/operations.hpp"
#include "parallel/plan.hpp"
#include "program/builder.hpp"

#include <cstdint>
#include <vector>

namespace orrery {

/// One group of ranks. `plans` follow the table of its kind; `patterns` are what their bundles
/// index.
struct GroupInstance {
  std::uint32_t kind = 0;  ///< into GroupSet::kinds
  std::vector<RankId> members;
  std::vector<PlanId> plans;
  std::vector<std::vector<LinkCrossing>> patterns;
};

struct GroupSet {
  std::vector<GroupKind> kinds;
  std::vector<GroupInstance> groups;
};

/// All groups of a plan that do any of `operations`.
GroupSet make_groups(const Plan& plan, const Cluster& cluster, const OperationTables& operations,
                     const LowerOptions& options, ProgramBuilder& program);

}  // namespace orrery
