// The one joiner of the two halves: a scenario goes in, a run comes out.
#pragma once

#include "cluster/cluster.hpp"
#include "engine/engine.hpp"
#include "hardware/kernel_evidence.hpp"
#include "parallel/plan.hpp"
#include "program/program.hpp"
#include "scenario/scenario.hpp"
#include "timeline/sink.hpp"

namespace orrery {

/// What a scenario is made of when it is ready to run.
struct Prepared {
  Cluster cluster;
  Plan plan;
  Program program;
  EvidenceBook evidence;  ///< of how well its kernels are known
};

/// Throws InvalidScenario for what is wrong in the cluster's own tables and for faults of links
/// that do not exist, which shows only when the cluster grows.
void require_sound_cluster(const Scenario& scenario);

/// Whether the scenario can be run as if the GPUs that it lacks were there.
bool can_be_supposed(const Scenario& scenario);

/// Front-end: cluster, plan, program, verified. Throws InvalidScenario for what only shows then (a
/// fault on a link that does not exist); a program that does not verify is an internal fault.
Prepared prepare(const Scenario& scenario);

/// Back-end: executes the program; rows go to `sink`. CHECKs that the ranks executed the model's
/// floating-point operations, no more and no less.
RunResult run(const Prepared& prepared, const Scenario& scenario, TimelineSink& sink);

}  // namespace orrery
