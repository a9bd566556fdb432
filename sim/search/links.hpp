// Links that cannot carry what a plan asks of them.
//
// For every kind of group: the bytes that a rank must send in a step, and the least time in which
// its links can carry them if nothing else used them. What leaves a node goes through the node's
// adapters: of an all-to-all each rank's share for other nodes, of rings one copy per node. Where
// that bound is longer than all computing at peak rate, no overlap can hide it: a finding, with
// both numbers.
#pragma once

#include "parallel/plan.hpp"
#include "scenario/scenario.hpp"

#include <vector>

namespace orrery {

/// What one kind of group asks of the links in a step.
struct LinkDemand {
  GroupAxis axis = GroupAxis::tp;
  std::int64_t members = 1;
  std::int64_t members_in_node = 1;
  Bytes sent;               ///< by a rank, in all
  Bytes leaving;            ///< by a rank, to other nodes
  BytesPerSecond capacity;  ///< a rank's share of what carries the slower of the two parts
  Seconds least;            ///< to carry it
};

/// One entry for every axis with traffic; of the stage that sends most.
std::vector<LinkDemand> link_demands(const Plan& plan, const Cluster& cluster);

/// All computing of the step at peak rate, spread evenly: no plan is faster.
Seconds least_computing(const Scenario& scenario, const Plan& plan);

/// Findings of the scenario's cluster: links that are missing, and demands that exceed computing.
std::vector<Finding> judge_links(const Scenario& scenario, const Plan& plan);

}  // namespace orrery
