// A scenario: everything a run needs to know, as plain values, all defaults visible.
//
// load.hpp turns a file into one; every key of the file has been understood by somebody by then, or
// is a finding. It remembers where each value was written, so that whoever judges it later can
// point there.
#pragma once

#include "base/settings.hpp"
#include "cluster/spec.hpp"
#include "parallel/strategy.hpp"
#include "scenario/finding.hpp"
#include "workload/job.hpp"
#include "workload/model.hpp"
#include "workload/software.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

enum class NetworkKind : std::uint8_t { fair_share, alpha_beta };

struct Fidelity {
  NetworkKind network = NetworkKind::fair_share;
  bool fold = true;
  bool interference = true;
  bool explicit_steps = false;
  std::string kernel_times = "tile";  ///< a model of hardware/kernel_times
  std::string allocator = "exact";    ///< one of memory/allocators
};

/// A rank whose computations take `slowdown` times as long.
struct Straggler {
  std::int64_t rank = 0;
  double slowdown = 1.0;
  SourcePosition position;
};

/// A node all of whose ranks compute more slowly.
struct SlowNode {
  std::int64_t node = 0;
  double slowdown = 1.0;
  SourcePosition position;
};

/// A GPU that is out, and its node with it (faults.hpp).
struct FailedGpu {
  std::optional<std::int64_t> node{};
  std::optional<std::int64_t> place{};  ///< of the GPU in its node
  std::optional<std::int64_t> rank{};   ///< the rank that would have run there; instead of the node
  SourcePosition position{};
};

enum class Distribution : std::uint8_t { uniform, normal };

/// GPUs that are each a little faster or slower than the data sheet's (faults.hpp).
struct Jitter {
  Distribution distribution = Distribution::uniform;
  double spread = 0.0;
  std::uint64_t seed = 1;
  SourcePosition position;
};

/// A claim to hold the simulation against (value and tolerance), or a requirement (at_most,
/// at_least). `value`s are in SI base units of the metric.
struct Expectation {
  std::string metric;
  std::optional<double> value;
  std::optional<double> tolerance;  ///< fraction; 0.05 when not given
  std::optional<double> at_most;
  std::optional<double> at_least;
  std::string claim;  ///< the value as the user wrote it
  std::string source;
  std::string note;  ///< the reason in one line, shown beside the finding
  SourcePosition position;
};

struct Scenario {
  std::string name;
  std::string path;
  std::string description;
  Model model;
  ClusterSpec cluster;
  std::int64_t gpus = 1;
  std::uint64_t seed = 1;
  Software software;
  Job job;
  Strategy strategy;
  Fidelity fidelity;
  std::vector<Straggler> stragglers;
  std::vector<SlowNode> slow_nodes;
  std::vector<FailedGpu> failed_gpus;
  std::optional<Jitter> jitter;
  std::vector<LinkFault> link_faults;
  std::vector<Expectation> expectations;
  std::string text;                  ///< the file as given
  std::string normalised;            ///< with everything it refers to and all defaults, as TOML
  std::vector<Finding> findings;     ///< what it cannot have, see validate.hpp
  std::vector<Diagnostic> warnings;  ///< remarks on the input that do not stop it
  /// Where each key was written: "gpus", "strategy.tp", "model.attention.heads",
  /// "cluster.gpu.memory".
  std::map<std::string, SourcePosition, std::less<>> places;

  /// Where a key, or the table it would stand in, was written; the file if neither was.
  SourcePosition position(std::string_view key) const;
};

}  // namespace orrery
