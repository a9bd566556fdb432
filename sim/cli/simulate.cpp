#include "cli/simulate.hpp"

#include "base/check.hpp"
#include "base/diagnostics.hpp"
#include "lower/lower.hpp"
#include "parallel/placement.hpp"
#include "program/verify.hpp"
#include "scenario/faults.hpp"
#include "scenario/validate.hpp"

#include <cmath>
#include <string>

namespace orrery {

namespace {

LowerOptions lower_options(const Scenario& scenario) {
  LowerOptions options{
      .fold = scenario.fidelity.fold ? Fold::on : Fold::off,
      .steps = scenario.fidelity.explicit_steps ? Steps::explicit_steps : Steps::bundled,
      .collectives = {.library = scenario.software.collectives, .algorithm = {}},
      .kernel_times = scenario.fidelity.kernel_times,
      .slow_ranks = {}};
  for (const RankSlowdown& slow : slowdowns(scenario)) {
    options.slow_ranks.push_back(
        {id_at<RankId>(static_cast<std::size_t>(slow.rank)), slow.slowdown});
  }
  return options;
}

void check_sound(const Program& program) {
  const std::vector<std::string> findings = verify(program);
  CHECK(findings.empty(), findings.front());
}

struct ModelFlops {
  double once = 0.0;   ///< by the model's formula
  double again = 0.0;  ///< recomputed
};

ModelFlops executed_flops(const Program& program, const RunResult& result) {
  ModelFlops flops;
  for (std::size_t c = 0; c < program.classes.size(); ++c) {
    const auto id = id_at<ClassId>(c);
    const auto ranks = static_cast<double>(program.classes[id].count);
    flops.once += ranks * result.time[id].flops;
    flops.again += ranks * result.time[id].recomputed_flops;
  }
  return flops;
}

/// Forward once more for every op that keeps nothing, on every rank and for every micro-batch.
double recomputed_flops(const Plan& plan) {
  if (!plan.training()) return 0.0;
  double of_one_rank_a_stage = 0.0;
  for (const StagePlan& stage : plan.stages) {
    for (const ChunkPlan& chunk : stage.chunks) {
      for (const PlacedLayer& placed : chunk.layers) {
        for (const ShardedOp& op : plan.layers[placed.plan].ops) {
          if (op.recomputed) of_one_rank_a_stage += op.model_flops;
        }
      }
    }
  }
  const auto ranks_of_a_replica = static_cast<double>(plan.mesh.size() / plan.stages.size() /
                                                      static_cast<std::size_t>(plan.strategy.dp));
  // Each of two copies of the weights sees half of the micro-batches.
  const auto copies = static_cast<double>(plan.strategy.weight_copies());
  return of_one_rank_a_stage * ranks_of_a_replica *
         static_cast<double>(plan.micro_batches_in_all()) / copies;
}

/// What all ranks executed together is the model's formula, whatever the strategy: every layer ran
/// once for every micro-batch, and the shares add up. Recomputation is booked apart, and is what
/// the plan says is rebuilt.
void check_flops(const Prepared& prepared, const RunResult& result) {
  constexpr double tolerance = 1e-9;
  const ModelFlops executed = executed_flops(prepared.program, result);
  const double wanted = prepared.plan.model_flops;
  CHECK(std::abs(executed.once - wanted) <= tolerance * wanted, executed.once, wanted);
  const double again = recomputed_flops(prepared.plan);
  CHECK(std::abs(executed.again - again) <= tolerance * again, executed.again, again);
}

}  // namespace

void require_sound_cluster(const Scenario& scenario) {
  Diagnostics diagnostics;
  grow_as_it_is(scenario, diagnostics);
  diagnostics.throw_if_errors();
}

bool can_be_supposed(const Scenario& scenario) {
  return !scenario.cluster.drawn || gpus_required(scenario) <= gpus_available(scenario);
}

Prepared prepare(const Scenario& scenario) {
  Diagnostics diagnostics;
  Cluster cluster = build_cluster(scenario.cluster, gpus_spanned(scenario, scenario.gpus),
                                  scenario.link_faults, diagnostics);
  diagnostics.throw_if_errors();
  Plan plan = make_plan({scenario.model, scenario.software, scenario.job, scenario.strategy});
  plan.gpu_of_rank = place(plan.mesh, outage_of(scenario));
  EvidenceBook evidence;
  Program program = lower(plan, cluster, lower_options(scenario), &evidence);
  program.name = scenario.name;
  check_sound(program);
  return {std::move(cluster), std::move(plan), std::move(program), std::move(evidence)};
}

RunResult run(const Prepared& prepared, const Scenario& scenario, TimelineSink& sink) {
  const auto& resources = prepared.program.resources;
  const bool fair = scenario.fidelity.network == NetworkKind::fair_share;
  const auto network =
      fair ? make_fair_share_network(resources) : make_alpha_beta_network(resources);
  // Alpha-beta knows no contention, inside a GPU no more than on a link.
  const bool interferes = fair && scenario.fidelity.interference;
  // An exact allocator reserves what the ledger holds, so nobody need ask it.
  const std::string& allocator = scenario.fidelity.allocator;
  const EngineOptions options{
      .interference = interferes ? Interference::on : Interference::off,
      .allocator = allocator == "exact" ? nullptr : find_allocator(allocator)};
  RunResult result = execute(prepared.program, *network, sink, options);
  check_flops(prepared, result);
  return result;
}

}  // namespace orrery
