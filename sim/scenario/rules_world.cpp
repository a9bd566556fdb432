#include "base/limits.hpp"
#include "scenario/faults.hpp"
#include "scenario/rules.hpp"
#include "scenario/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace orrery {

namespace {

/// Ranks that hold one copy of the model's dense part.
std::int64_t model_parallel_size(const Strategy& strategy) {
  return strategy.tp * strategy.cp * strategy.pp;
}

/// The least dp for which the experts' groups fill a stage: ep · etp divides dp · cp · tp.
std::int64_t least_dp(const Strategy& strategy) {
  const std::int64_t experts = strategy.ep * strategy.etp;
  return experts / std::gcd(experts, strategy.tp * strategy.cp);
}

bool within_limits(const Strategy& strategy) {
  std::int64_t product = 1;
  for (const std::int64_t degree : {strategy.tp, strategy.cp, strategy.pp, strategy.dp}) {
    if (degree > limits::ranks / product) return false;
    product *= degree;
  }
  return strategy.ep <= limits::ranks && strategy.etp <= limits::ranks &&
         product / strategy.dp * std::max(strategy.dp, least_dp(strategy)) <= limits::ranks;
}

std::int64_t nodes_for(const Scenario& scenario, std::int64_t gpus) {
  const std::int64_t per_node = scenario.cluster.gpus_per_node;
  return (gpus + per_node - 1) / per_node;
}

/// "a" or "a or b": the multiples of `step` that enclose `near`.
std::string enclosing_multiples(std::int64_t near, std::int64_t step) {
  const std::int64_t below = near / step * step;
  if (below == 0) return fmt::format("{}", step);
  if (below + step > limits::ranks) return fmt::format("{}", below);
  return fmt::format("{} or {}", below, below + step);
}

std::string in_nodes(std::int64_t count) {
  return fmt::format("{} {}", count, count == 1 ? "node" : "nodes");
}

/// "; cluster.nodes = 3, of which one is spare": what would take over for nodes that failed.
std::string spares(std::int64_t wanted, std::int64_t failed) {
  return fmt::format("cluster.nodes = {}, of which {} {} spare for what has failed",
                     wanted + failed, failed, failed == 1 ? "is" : "are");
}

}  // namespace

bool derive_world_size(Scenario& scenario) {
  Strategy& strategy = scenario.strategy;
  if (!within_limits(strategy)) return false;
  if (strategy.dp_given) {
    if (scenario.gpus == 0) scenario.gpus = strategy.world_size();
    return true;
  }
  const std::int64_t affordable = scenario.gpus / model_parallel_size(strategy);
  strategy.dp = std::max({std::int64_t{1}, affordable, least_dp(strategy)});
  return true;
}

std::int64_t gpus_required(const Scenario& scenario) { return scenario.strategy.world_size(); }

std::int64_t nodes_in_service(const Scenario& scenario) {
  const auto failed = static_cast<std::int64_t>(outage_of(scenario).nodes.size());
  return std::max<std::int64_t>(0, scenario.cluster.nodes.value_or(limits::ranks) - failed);
}

std::int64_t gpus_available(const Scenario& scenario) {
  if (!scenario.cluster.nodes) return scenario.gpus;
  return std::min(scenario.gpus, nodes_in_service(scenario) * scenario.cluster.gpus_per_node);
}

std::int64_t micro_batches(const Scenario& scenario) {
  return scenario.strategy.largest_batch(scenario.job.global_batch) / scenario.job.micro_batch;
}

namespace rules {

std::string where(const Scenario& scenario, std::string_view key) {
  const SourcePosition position = scenario.position(key);
  return position.file.empty() ? "" : fmt::format(" ({})", to_string(position));
}

Verdict gpus_hold_the_model(const Scenario& scenario) {
  const std::int64_t required = gpus_required(scenario);
  if (required <= scenario.gpus) return std::nullopt;
  const Strategy& s = scenario.strategy;
  const auto& nodes = scenario.cluster.nodes;
  const std::int64_t nodes_wanted = nodes_for(scenario, required);
  const std::string larger = nodes && *nodes < nodes_wanted
                                 ? fmt::format(" on {} nodes instead of {}", nodes_wanted, *nodes)
                                 : "";
  return Finding{
      "gpus_missing", Severity::error,
      fmt::format("tp · cp · pp · dp = {} · {} · {} · {}{} needs {} GPUs, there are {}: {} "
                  "are missing",
                  s.tp, s.cp, s.pp, s.dp, s.ep > 1 ? fmt::format(" with ep {}", s.ep) : "",
                  required, scenario.gpus, required - scenario.gpus),
      fmt::format("gpus = {}{}, or smaller degrees", required, larger), scenario.position("gpus")};
}

Verdict gpus_divide_by_model_parallel_size(const Scenario& scenario) {
  const std::int64_t size = model_parallel_size(scenario.strategy);
  const bool derived = !scenario.strategy.dp_given && scenario.gpus >= size;
  if (!derived || scenario.gpus % size == 0) return std::nullopt;
  const Strategy& s = scenario.strategy;
  return Finding{"gpus_not_divisible", Severity::error,
                 fmt::format("gpus = {} is no multiple of tp · cp · pp = {} · {} · {} = {}",
                             scenario.gpus, s.tp, s.cp, s.pp, size),
                 fmt::format("wanted {}", enclosing_multiples(scenario.gpus, size)),
                 scenario.position("gpus")};
}

Verdict experts_fold_into_a_stage(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  const std::int64_t stage = s.tp * s.cp * s.dp;
  if (stage % (s.ep * s.etp) == 0) return std::nullopt;
  const std::int64_t least = least_dp(s);
  const std::string wanted =
      s.dp_given ? fmt::format("wanted dp = {}", enclosing_multiples(s.dp, least))
                 : fmt::format("wanted gpus = {}",
                               enclosing_multiples(scenario.gpus, model_parallel_size(s) * least));
  return Finding{"experts_not_folding", Severity::error,
                 fmt::format("ep · etp = {} · {} does not divide dp · cp · tp = {} · {} · {} = {}, "
                             "the ranks of one pipeline stage",
                             s.ep, s.etp, s.dp, s.cp, s.tp, stage),
                 wanted, scenario.position("strategy.ep")};
}

Verdict gpus_are_used(const Scenario& scenario) {
  const std::int64_t required = gpus_required(scenario);
  if (required >= scenario.gpus || !scenario.strategy.dp_given) return std::nullopt;
  return Finding{"gpus_idle", Severity::warning,
                 fmt::format("the strategy uses {} of {} GPUs; {} stay idle", required,
                             scenario.gpus, scenario.gpus - required),
                 fmt::format("gpus = {}, or leave strategy.dp out to use all", required),
                 scenario.position("gpus")};
}

/// Of what the scenario says it has; what the strategy lacks beyond is gpus_hold_the_model's.
Verdict cluster_has_the_nodes(const Scenario& scenario) {
  const auto& nodes = scenario.cluster.nodes;
  const std::int64_t wanted = scenario.gpus;
  if (!nodes || nodes_for(scenario, wanted) <= nodes_in_service(scenario)) return std::nullopt;
  const std::int64_t per_node = scenario.cluster.gpus_per_node;
  const std::int64_t there = nodes_in_service(scenario) * per_node;
  const std::int64_t failed = *nodes - nodes_in_service(scenario);
  const std::int64_t needed = nodes_for(scenario, wanted);
  const std::string more = failed > 0 ? spares(needed, failed) : "a larger cluster";
  return Finding{"nodes_missing", Severity::error,
                 fmt::format("{} GPUs need {} of {}, the cluster {} has {}{}: {} GPUs are missing",
                             wanted, in_nodes(needed), per_node, scenario.cluster.name, *nodes,
                             failed > 0 ? fmt::format(", {} of them out of service", failed) : "",
                             wanted - there),
                 there > 0 ? fmt::format("at most gpus = {}, or {}", there, more) : more,
                 scenario.position("gpus")};
}

}  // namespace rules
}  // namespace orrery
