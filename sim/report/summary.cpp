#include "report/summary.hpp"

#include "report/figures.hpp"
#include "scenario/validate.hpp"
#include "workload/flops.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace orrery {

namespace {

/// "h100-sxm", or "16 h100-sxm and 8 a100-sxm-80g".
std::string gpu_names(const Scenario& scenario) {
  const std::vector<GpuShare> shares = scenario.cluster.first_gpus(gpus_required(scenario));
  if (shares.size() == 1) return shares.front().gpu->name;
  std::string names;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    names += i == 0 ? "" : i + 1 == shares.size() ? " and " : ", ";
    names += fmt::format("{} {}", shares[i].count, shares[i].gpu->name);
  }
  return names;
}

/// The relatives whose constants kernels have, where nobody measured a GPU itself.
std::string kernels_from(const Scenario& scenario) {
  std::string from;
  for (const GpuShare& share : scenario.cluster.first_gpus(gpus_required(scenario))) {
    const std::string& relative = share.gpu->kernels.relative;
    if (relative.empty() || from.find(relative) != std::string::npos) continue;
    from += (from.empty() ? "" : ", ") + relative;
  }
  return from;
}

RunFacts run_facts(const Scenario& scenario, const Plan& plan) {
  return {.scenario = scenario.name,
          .description = scenario.description,
          .cluster = scenario.cluster.name,
          .gpu = gpu_names(scenario),
          .kernels_from = kernels_from(scenario),
          .software = plan.software.name,
          .job = plan.job,
          .strategy = plan.strategy,
          .micro_batches = plan.micro_batches,
          .gpus_required = gpus_required(scenario),
          .gpus_available = gpus_available(scenario)};
}

ModelFacts model_facts(const Plan& plan) {
  const ParameterCount count = count_parameters(plan.model);
  const double width = bytes_per_element(plan.job.parameter_type);
  const auto layers = static_cast<double>(plan.model.layers);
  const auto expert_layers = static_cast<double>(plan.model.expert_layer_count());
  const auto bytes = [](double size) { return Bytes(static_cast<std::int64_t>(size)); };
  return {.name = plan.model.name,
          .parameters_total = count.total,
          .parameters_active = count.active,
          .expert_bytes = bytes(count.experts_per_layer * expert_layers * width),
          .attention_bytes = bytes(count.attention_per_layer * layers * width)};
}

std::int64_t ceil_share(std::int64_t whole, std::int64_t parts) {
  return (whole + parts - 1) / parts;
}

RankShare rank_share(const Plan& plan) {
  const Strategy& s = plan.strategy;
  const std::int64_t replicas = std::max<std::int64_t>(1, s.dp / s.ep);
  RankShare share{.hidden_columns = ceil_share(plan.model.hidden, s.tp),
                  .ffn_columns = ceil_share(plan.model.ffn, s.tp),
                  .heads = ceil_share(plan.model.attention.heads, s.tp),
                  .sequences = s.has_uneven_batches() ? s.largest_batch(plan.job.global_batch)
                                                      : ceil_share(plan.job.global_batch, s.dp),
                  .sequences_per_replica = ceil_share(plan.job.global_batch, replicas)};
  for (const StagePlan& stage : plan.stages) {
    share.layers = std::max(share.layers, layer_count(stage));
    share.parameters = std::max(share.parameters, stage.dense_parameters + stage.expert_parameters);
  }
  if (plan.model.experts) {
    share.experts = ceil_share(plan.model.experts->experts + s.redundant_experts, s.ep);
    share.expert_instances = plan.model.experts->experts * plan.model.expert_layer_count();
  }
  return share;
}

/// What the whole run's ranks did together, for averages.
struct Totals {
  double ranks = 0.0;
  double busy_s = 0.0;
  double longest_s = 0.0;
  double recomputed_flops = 0.0;
};

Totals totals_of(const Program& program, const RunResult& result) {
  Totals totals;
  for (std::size_t i = 0; i < program.classes.size(); ++i) {
    const auto id = id_at<ClassId>(i);
    const auto count = static_cast<double>(program.classes[id].count);
    const double busy = to_seconds(result.time[id].busy).value();
    totals.ranks += count;
    totals.busy_s += count * busy;
    totals.longest_s = std::max(totals.longest_s, busy);
    totals.recomputed_flops += count * result.time[id].recomputed_flops;
  }
  return totals;
}

/// Nothing takes no time in a run without work: a rate of zero then, rather than infinity.
double ratio(double a, double b) { return b > 0.0 ? a / b : 0.0; }

/// Of all ranks together, in the precision of the job.
double peak_rate(const SummaryInput& input) {
  const ClusterSpec& cluster = input.scenario.cluster;
  const NumberType type = input.plan.job.precision;
  const auto ranks = static_cast<double>(input.plan.mesh.size());
  if (cluster.groups.empty()) return ranks * cluster.gpu.peak_rate(type).value();
  double sum = 0.0;
  for (const VertexId gpu : input.plan.gpu_of_rank) {
    sum += cluster.gpu_at(static_cast<std::int64_t>(index_of(gpu))).peak_rate(type).value();
  }
  return sum;
}

Speed speed_of(const SummaryInput& input, const Summary& summary) {
  const Plan& plan = input.plan;
  const Totals totals = totals_of(input.program, input.result);
  const double step = summary.step_time.value();
  const double peak = step * peak_rate(input);
  const double causal = model_flops(plan.model, plan.job, MfuConvention::causal);
  const auto sequences = static_cast<double>(plan.job.global_batch);
  const auto tokens = sequences * static_cast<double>(plan.job.tokens_per_sequence());
  return {.tokens_per_s = ratio(tokens, step),
          .sequences_per_s = ratio(sequences, step),
          .tokens_per_s_per_gpu = ratio(tokens, step * totals.ranks),
          .model_tflops_per_gpu = ratio(plan.model_flops, step * totals.ranks) * 1e-12,
          .mfu = ratio(plan.model_flops, peak),
          .mfu_causal = ratio(causal, peak),
          .hfu = ratio(plan.model_flops + totals.recomputed_flops, peak),
          .gpu_busy_fraction = ratio(totals.busy_s, step * totals.ranks),
          .bubble_fraction = ratio(summary.time.bubble.value(), step),
          .busy_imbalance =
              totals.busy_s > 0.0 ? totals.longest_s * totals.ranks / totals.busy_s - 1.0 : 0.0,
          .expert_imbalance = summary.routing.imbalance - 1.0};
}

Price price_of(const Scenario& scenario, const Summary& summary) {
  double per_hour = 0.0;
  for (const GpuShare& share : scenario.cluster.first_gpus(summary.run.gpus_required)) {
    if (share.price_per_hour <= 0.0) return {};  // what one costs is not known
    per_hour += share.price_per_hour * static_cast<double>(share.count);
  }
  const double per_second = per_hour / 3600.0;
  return {.per_hour = per_hour,
          .per_step = per_second * summary.step_time.value(),
          .per_million_tokens = ratio(per_second * 1e6, summary.speed.tokens_per_s)};
}

SimulationFacts simulation_facts(const SummaryInput& input) {
  return {.cost = input.cost,
          .events = input.result.task_events + input.result.network_events,
          .classes = static_cast<std::int64_t>(input.program.classes.size()),
          .ranks = static_cast<std::int64_t>(input.program.class_of_rank.size())};
}

bool is_error(const Verdict& verdict) { return verdict.weight == Weight::error; }

}  // namespace

Summary summarize(const SummaryInput& input) {
  Summary summary;
  summary.run = run_facts(input.scenario, input.plan);
  summary.model = model_facts(input.plan);
  summary.share = rank_share(input.plan);
  summary.step_time = to_seconds(input.result.end);
  if (input.evidence != nullptr) {
    summary.interval = step_interval(input.program, input.result, *input.evidence,
                                     input.scenario.cluster.gpu.collectives);
  }
  summary.routing = routing_summary(input.plan);
  summary.routing.forced_step_time = input.forced_step_time.value_or(summary.step_time);
  summary.time = average_time(input.program, input.result);
  summary.speed = speed_of(input, summary);
  summary.memory = memory_summary(input);
  summary.links = link_summaries(input.program, input.result);
  summary.stages = stage_summaries(input);
  summary.price = price_of(input.scenario, summary);
  summary.simulation = simulation_facts(input);
  summary.verdicts = find_verdicts({input.scenario, input.plan, summary});
  summary.feasible = std::ranges::none_of(summary.verdicts, is_error);
  summary.expects = judge_expectations(input.scenario.expectations, summary);
  return summary;
}

bool passed(const Summary& summary) {
  return summary.feasible && std::ranges::all_of(summary.expects, &Judgement::ok);
}

}  // namespace orrery
