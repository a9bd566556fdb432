#include "base/limits.hpp"
#include "scenario/faults.hpp"
#include "scenario/rules.hpp"
#include "scenario/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace orrery::rules {

namespace {

/// The node on which a rank runs.
std::int64_t node_of_rank(std::int64_t rank, const Outage& outage) {
  return nth_gpu(rank, outage) / outage.gpus_per_node;
}

/// The name of what has failed, for messages.
std::string name_of(const FailedGpu& failed) {
  if (failed.rank) return fmt::format("the GPU of rank {}", *failed.rank);
  if (!failed.place) return fmt::format("node[{}]", failed.node.value_or(0));
  return fmt::format("node[{}].gpu[{}]", failed.node.value_or(0), *failed.place);
}

}  // namespace

Verdict straggler_is_a_rank(const Scenario& scenario) {
  for (const Straggler& straggler : scenario.stragglers) {
    if (straggler.rank < gpus_required(scenario)) continue;
    return Finding{"no_such_rank", Severity::error,
                   fmt::format("the straggler is rank {}, but ranks count from 0 to {}",
                               straggler.rank, gpus_required(scenario) - 1),
                   "", straggler.position};
  }
  return std::nullopt;
}

Verdict slow_nodes_hold_ranks(const Scenario& scenario) {
  const Outage outage = outage_of(scenario);
  const std::int64_t last = node_of_rank(gpus_required(scenario) - 1, outage);
  for (const SlowNode& slow : scenario.slow_nodes) {
    if (slow.node <= last && !outage.holds(slow.node)) continue;
    return Finding{
        "no_such_node", Severity::error, fmt::format("no rank runs on the slow node {}", slow.node),
        fmt::format("wanted a node from 0 to {} that is in service", last), slow.position};
  }
  return std::nullopt;
}

/// Two slowdowns of one rank would leave it open which of them counts.
Verdict ranks_are_slowed_once(const Scenario& scenario) {
  const Outage outage = outage_of(scenario);
  std::map<std::int64_t, SourcePosition> slow_nodes;
  for (const SlowNode& slow : scenario.slow_nodes) slow_nodes.emplace(slow.node, slow.position);
  for (const Straggler& straggler : scenario.stragglers) {
    const std::int64_t node = node_of_rank(straggler.rank, outage);
    const auto slow = slow_nodes.find(node);
    if (slow == slow_nodes.end()) continue;
    return Finding{"slowed_twice", Severity::error,
                   fmt::format("the straggler, rank {}, runs on node {}, which is slow by itself "
                               "(at {})",
                               straggler.rank, node, to_string(slow->second)),
                   "wanted one slowdown", straggler.position};
  }
  return std::nullopt;
}

Verdict failed_gpus_exist(const Scenario& scenario) {
  const std::int64_t per_node = scenario.cluster.gpus_per_node;
  const auto& nodes = scenario.cluster.nodes;
  for (const FailedGpu& failed : scenario.failed_gpus) {
    const bool node_exists = !nodes || node_of(failed, per_node) < *nodes;
    if (node_exists && failed.place.value_or(0) < per_node) continue;
    const std::string last = nodes ? fmt::format("node[{}]", *nodes - 1) : "any node";
    return Finding{
        "no_such_gpu", Severity::error,
        fmt::format("{} has failed, but there is none", name_of(failed)),
        fmt::format("wanted one up to {}, each with gpu[0] to gpu[{}]", last, per_node - 1),
        failed.position};
  }
  return std::nullopt;
}

/// A remark: where the ranks run then. Nodes are taken whole, as launchers take them, also where
/// there is one alone.
Verdict failed_nodes_are_left_out(const Scenario& scenario) {
  if (scenario.failed_gpus.empty()) return std::nullopt;
  const Outage outage = outage_of(scenario);
  const std::int64_t last = node_of_rank(gpus_required(scenario) - 1, outage);
  const FailedGpu& first = scenario.failed_gpus.front();
  const auto idle = std::ranges::count_if(outage.nodes, [&](std::int64_t n) { return n > last; });
  if (idle == std::ssize(outage.nodes)) {
    return Finding{"no_effect", Severity::warning,
                   fmt::format("no rank would run on what has failed ({}): ranks run on nodes 0 "
                               "to {}",
                               name_of(first), last),
                   "the fault changes nothing", first.position};
  }
  const std::size_t count = outage.nodes.size();
  const bool spare = last < scenario.cluster.nodes.value_or(limits::ranks);
  return Finding{"gpus_failed", Severity::warning,
                 fmt::format("{} out of service with {}{}: {}",
                             count == 1 ? fmt::format("node {} is", outage.nodes.front())
                                        : fmt::format("{} nodes are", count),
                             name_of(first), scenario.failed_gpus.size() > 1 ? " and others" : "",
                             spare ? fmt::format("ranks run on the others up to node {}", last)
                                   : "a node is taken whole, and there are not enough others"),
                 "", first.position};
}

}  // namespace orrery::rules
