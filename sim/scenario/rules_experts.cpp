// How tokens meet experts: what can be drawn, and which replicas of experts are executed.
#include "base/limits.hpp"
#include "scenario/rules.hpp"

#include <fmt/format.h>

namespace orrery::rules {

Verdict routing_can_be_drawn(const Scenario& scenario) {
  const Model& model = scenario.model;
  const RoutingKind kind = scenario.job.routing.kind;
  const bool draws = kind != RoutingKind::forced && kind != RoutingKind::trace;
  if (!model.experts || !draws) return std::nullopt;
  const double numbers = static_cast<double>(model.layers + model.mtp_layers) *
                         static_cast<double>(model.experts->experts) *
                         static_cast<double>(model.experts->top_k);
  if (numbers <= static_cast<double>(limits::routing_draws)) return std::nullopt;
  return Finding{
      "routing_too_large", Severity::error,
      fmt::format("layers · experts · top_k = {:.1e} numbers would be drawn for {} routing, more "
                  "than the limit of {:.1e}",
                  numbers, to_string(kind), static_cast<double>(limits::routing_draws)),
      "workload.routing.kind = \"forced\"", scenario.position("workload.routing.kind")};
}

Verdict replicas_need_experts(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  const bool placed = s.redundant_experts > 0 || s.expert_placement == ExpertPlacement::balanced;
  if (scenario.model.experts || !placed) return std::nullopt;
  const std::string_view key = s.redundant_experts > 0 ? "redundant_experts" : "expert_placement";
  return Finding{
      "no_experts", Severity::error,
      fmt::format("strategy.{} is given, but {} is a dense model: it has no experts to place", key,
                  scenario.model.name),
      fmt::format("leave {} out", key), scenario.position(fmt::format("strategy.{}", key))};
}

/// Gradients of an expert's replicas would have to be summed: load balancers replicate experts for
/// inference.
Verdict replicas_do_not_train(const Scenario& scenario) {
  const std::int64_t redundant = scenario.strategy.redundant_experts;
  if (redundant == 0 || !scenario.job.trains()) return std::nullopt;
  return Finding{
      "replicas_do_not_train", Severity::error,
      fmt::format("strategy.redundant_experts = {} is not executed in training: gradients of "
                  "replicas within an expert group would have to be summed",
                  redundant),
      "wanted 0, or workload.kind = \"forward\" or \"decode\"",
      scenario.position("strategy.redundant_experts")};
}

}  // namespace orrery::rules
