// Lowering: from a plan to the Program that the engine executes. The front-end ends here.
//
// Three steps: every pipeline stage becomes a script (stage.hpp); every group of ranks learns which
// links its operations cross (groups.hpp); alike ranks, links and groups become classes
// (likeness.hpp), each simulated once.
#pragma once

#include "cluster/cluster.hpp"
#include "collective/collective.hpp"
#include "hardware/kernel_evidence.hpp"
#include "parallel/plan.hpp"
#include "program/program.hpp"

#include <string>
#include <vector>

namespace orrery {

enum class Fold : std::uint8_t { on, off };

/// A rank whose computations take `slowdown` times as long.
struct SlowRank {
  RankId rank{};
  double slowdown = 1.0;
};

struct LowerOptions {
  Fold fold = Fold::on;
  Steps steps = Steps::bundled;
  CollectiveTuning collectives;
  std::string kernel_times = "tile";  ///< a model of hardware/kernel_times
  std::vector<SlowRank> slow_ranks;
};

/// What ranks run the same script for: they are at places with the same load, on one type of GPU,
/// for replicas with as many micro-batches.
struct ScriptNeed {
  std::size_t place = 0;     ///< of ScriptPlaces::all()
  std::size_t gpu_type = 0;  ///< of Cluster::gpu_types()
  std::int64_t micro_batches = 1;

  auto operator<=>(const ScriptNeed&) const = default;
};

/// The program of a plan on a cluster that holds its ranks. How well its kernels are known is noted
/// in `evidence`, where there is one.
Program lower(const Plan& plan, const Cluster& cluster, const LowerOptions& options,
              EvidenceBook* evidence = nullptr);

}  // namespace orrery
