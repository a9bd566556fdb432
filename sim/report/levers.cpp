#include "report/levers.hpp"

#include "report/figures.hpp"
#include "scenario/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

namespace orrery {

namespace {

Bytes saved_per_micro_batch(const Plan& plan, const StagePlan& stage) {
  Bytes sum;
  for (const ChunkPlan& chunk : stage.chunks) {
    for (const PlacedLayer& layer : chunk.layers) sum += plan.layers[layer.plan].saved;
  }
  return sum;
}

/// What passes: one layer's rebuilt activations and the largest workspace of an op.
Bytes passing(const Plan& plan, const StagePlan& stage) {
  Bytes rebuilt;
  Bytes workspace;
  for (const ChunkPlan& chunk : stage.chunks) {
    for (const PlacedLayer& placed : chunk.layers) {
      const LayerPlan& layer = plan.layers[placed.plan];
      rebuilt = std::max({rebuilt, layer.rebuilt, layer.transient});
      for (const ShardedOp& op : layer.ops) workspace = std::max(workspace, op.workspace);
    }
  }
  return rebuilt + workspace;
}

/// An estimate of the fullest rank.
Bytes footprint(const Plan& plan) {
  Bytes most;
  const auto stages = static_cast<std::int64_t>(plan.stages.size());
  for (std::int64_t s = 0; s < stages; ++s) {
    const StagePlan& stage = plan.stages[static_cast<std::size_t>(s)];
    const std::int64_t live = plan.training() ? std::min(plan.micro_batches, stages - s) : 0;
    const Bytes held = total_of(stage.resident) + live * saved_per_micro_batch(plan, stage);
    most = std::max(most, held + passing(plan, stage));
  }
  return most;
}

std::string arrow(std::string_view key, std::int64_t from, std::int64_t to) {
  return fmt::format("{} {} → {}", key, from, to);
}

/// Twice the degree, with half the replicas.
std::optional<Scenario> doubled(const Scenario& scenario, std::int64_t Strategy::*degree) {
  Scenario changed = scenario;
  changed.strategy.*degree *= 2;
  if (degree == &Strategy::ep) return changed;
  if (changed.strategy.dp % 2 != 0) return std::nullopt;
  changed.strategy.dp /= 2;
  return changed;
}

class Levers {
 public:
  Levers(const Scenario& scenario, const Plan& plan) : scenario_(scenario), plan_(plan) {}

  void try_change(std::string change, const std::optional<Scenario>& changed) {
    if (!changed) return;
    const std::optional<Bytes> freed = frees(*changed, scenario_, plan_);
    if (freed && freed->value() * 100 > footprint(plan_).value()) {
      all_.push_back({std::move(change), *freed});
    }
  }

  std::vector<Lever> take() {
    std::ranges::stable_sort(all_, std::greater<>{},
                             [](const Lever& l) { return l.frees.value(); });
    return std::move(all_);
  }

 private:
  const Scenario& scenario_;
  const Plan& plan_;
  std::vector<Lever> all_;
};

void try_degrees(const Scenario& scenario, Levers& levers) {
  const Strategy& s = scenario.strategy;
  if (s.tp * 2 <= scenario.cluster.gpus_per_node) {
    levers.try_change(arrow("strategy.tp", s.tp, s.tp * 2), doubled(scenario, &Strategy::tp));
  }
  levers.try_change(arrow("strategy.pp", s.pp, s.pp * 2), doubled(scenario, &Strategy::pp));
  if (scenario.model.experts) {
    levers.try_change(arrow("strategy.ep", s.ep, s.ep * 2), doubled(scenario, &Strategy::ep));
  }
}

void try_training(const Scenario& scenario, Levers& levers) {
  if (scenario.strategy.zero == 0) {
    Scenario changed = scenario;
    changed.strategy.zero = 1;
    levers.try_change("strategy.zero 0 → 1", changed);
  }
  if (scenario.strategy.recompute != Recompute::full) {
    Scenario changed = scenario;
    changed.strategy.recompute = Recompute::full;
    changed.strategy.recompute_modules.clear();
    levers.try_change("strategy.recompute = \"full\"", changed);
  }
}

}  // namespace

std::optional<Bytes> frees(const Scenario& changed, const Scenario& scenario, const Plan& plan) {
  if (!obeys_rules(changed) || gpus_required(changed) > gpus_required(scenario)) {
    return std::nullopt;
  }
  return footprint(plan) -
         footprint(make_plan({changed.model, changed.software, changed.job, changed.strategy}));
}

bool obeys_rules(const Scenario& changed) {
  const auto stops = [](const Finding& finding) {
    const bool counts = finding.code != "gpus_missing" && finding.code != "nodes_missing";
    return counts && finding.severity == Severity::error;
  };
  return std::ranges::none_of(judge(changed, RuleKind::legality), stops) &&
         std::ranges::none_of(judge(changed, RuleKind::feasibility), stops);
}

std::vector<Lever> memory_levers(const Scenario& scenario, const Plan& plan) {
  Levers levers(scenario, plan);
  try_degrees(scenario, levers);
  if (scenario.job.trains()) try_training(scenario, levers);
  if (scenario.strategy.tp > 1 && !scenario.strategy.sp) {
    Scenario changed = scenario;
    changed.strategy.sp = true;
    levers.try_change("strategy.sp = true", changed);
  }
  if (scenario.job.micro_batch % 2 == 0) {
    Scenario changed = scenario;
    changed.job.micro_batch /= 2;
    levers.try_change(
        arrow("workload.micro_batch", scenario.job.micro_batch, changed.job.micro_batch), changed);
  }
  return levers.take();
}

}  // namespace orrery
