#include "base/units_text.hpp"
#include "parallel/offload.hpp"
#include "parallel/placement.hpp"
#include "scenario/faults.hpp"
#include "scenario/rules.hpp"
#include "scenario/validate.hpp"
#include "schedule/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace orrery::rules {

namespace {

Finding refusal(const Scenario& scenario, std::string message, std::string wanted,
                std::string_view key = "strategy.offload") {
  return Finding{"offload_not_possible", Severity::error, std::move(message), std::move(wanted),
                 scenario.position(key)};
}

/// Whether the steps of a rank have a kind of step that activations on the host do not go with.
bool has_steps(const Scenario& scenario, bool (*matches)(const Step&)) {
  const Strategy& s = scenario.strategy;
  const Schedule* schedule = find_schedule(s.schedule);
  const bool pairs = s.overlaps("experts") && scenario.model.experts && s.ep > 1 && s.zero < 2;
  const PipelineShape shape{s.pp, s.vpp, micro_batches(scenario),
                            pairs ? Pairing::with_next : Pairing::alone};
  if (schedule == nullptr || schedule->objection(shape)) return false;
  return std::ranges::any_of(schedule->steps(shape, 0), matches);
}

}  // namespace

Verdict offload_is_executed(const Scenario& scenario) {
  if (!scenario.strategy.offloads("parameters")) return std::nullopt;
  return Finding{"not_executed", Severity::error,
                 "strategy.offload with \"parameters\" is not executed by this version",
                 "wanted \"optimizer\", \"activations\" or both",
                 scenario.position("strategy.offload")};
}

Verdict offload_has_a_host(const Scenario& scenario) {
  if (scenario.strategy.offload.empty() || scenario.cluster.host) return std::nullopt;
  return refusal(scenario,
                 fmt::format("strategy.offload needs the memory of the host, of which the cluster "
                             "{} says nothing",
                             scenario.cluster.name),
                 "wanted a table [host] with memory, memory_bandwidth, link, bandwidth, latency "
                 "and gpus_per_port in the cluster's file, or cluster.host in the scenario");
}

Verdict offload_needs_training(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  if (s.offload.empty()) return std::nullopt;
  if (!scenario.job.trains()) {
    return refusal(scenario,
                   "strategy.offload: nothing but training has an optimizer, or "
                   "activations that wait for a backward",
                   "wanted offload = [], or workload.kind = \"training\"");
  }
  if (!s.offloads("optimizer") || scenario.job.optimizer != Optimizer::none) return std::nullopt;
  return refusal(scenario,
                 "strategy.offload with \"optimizer\", but workload.optimizer is \"none\"",
                 "wanted an optimizer, or none to offload");
}

Verdict offloaded_activations_come_back_in_turn(const Scenario& scenario) {
  if (!scenario.strategy.offloads("activations")) return std::nullopt;
  const auto splits = [](const Step& step) { return step.kind == StepKind::backward_input; };
  if (has_steps(scenario, splits)) {
    return refusal(scenario,
                   fmt::format("strategy.offload with \"activations\" is not executed with "
                               "schedule \"{}\", whose backwards come in halves",
                               scenario.strategy.schedule),
                   "wanted a schedule with whole backwards, such as \"1f1b\" or \"interleaved\"");
  }
  const auto pairs = [](const Step& step) { return step.pairing == Pairing::with_next; };
  if (!has_steps(scenario, pairs)) return std::nullopt;
  return refusal(scenario,
                 "strategy.offload with \"activations\" is not executed where forwards and "
                 "backwards run together (overlap = [\"experts\"])",
                 "wanted overlap without \"experts\"");
}

/// Every rank would send what its own experts keep, and none of another's.
Verdict offloaded_activations_are_alike(const Scenario& scenario) {
  const bool offloads = scenario.strategy.offloads("activations");
  if (!offloads || !scenario.model.experts || scenario.job.routing.even()) return std::nullopt;
  return refusal(scenario,
                 "strategy.offload with \"activations\" is not executed where ranks that share "
                 "experts keep unequal activations",
                 "wanted workload.routing.kind = \"forced\" without a capacity");
}

Verdict offload_layers_are_there(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  if (s.offload_layers == 0) return std::nullopt;
  if (!s.offloads("activations")) {
    return Finding{"no_effect", Severity::warning,
                   "strategy.offload_layers has no effect without activations that are offloaded",
                   "wanted offload = [\"activations\"]",
                   scenario.position("strategy.offload_layers")};
  }
  const auto layers = layers_per_virtual_stage(scenario.model, s);
  const std::int64_t most = layers.empty() ? 0 : std::ranges::max(layers);
  if (s.offload_layers <= most) return std::nullopt;
  return refusal(scenario,
                 fmt::format("strategy.offload_layers = {}, but no stage has more than {} layers",
                             s.offload_layers, most),
                 fmt::format("wanted at most {}", most), "strategy.offload_layers");
}

/// Of the node whose ranks offload the most.
Verdict host_holds_what_is_offloaded(const Scenario& scenario) {
  const std::optional<HostSpec>& host = scenario.cluster.host;
  if (scenario.strategy.offload.empty() || !host || !is_legal(scenario)) return std::nullopt;
  const Plan plan = make_plan({scenario.model, scenario.software, scenario.job, scenario.strategy});
  std::vector<Bytes> of_stage;
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    of_stage.push_back(host_memory(plan, static_cast<std::int64_t>(s)));
  }
  std::map<std::int64_t, Bytes> of_node;
  Bytes most;
  const std::vector<VertexId> gpus = place(plan.mesh, outage_of(scenario));
  for (std::size_t rank = 0; rank < gpus.size(); ++rank) {
    const auto stage = plan.mesh.stage_of(id_at<RankId>(rank));
    Bytes& held =
        of_node[static_cast<std::int64_t>(index_of(gpus[rank])) / scenario.cluster.gpus_per_node];
    held += of_stage[static_cast<std::size_t>(stage)];
    most = std::max(most, held);
  }
  if (most <= host->memory) return std::nullopt;
  return Finding{
      "host_memory_exceeded", Severity::error,
      fmt::format("what the ranks of a node offload needs {} of the {} that its host has",
                  format_bytes(most), format_bytes(host->memory)),
      "less offloaded (offload, offload_layers), or divided over more ranks (zero)",
      scenario.position("strategy.offload")};
}

}  // namespace orrery::rules
