#include "base/units_text.hpp"
#include "report/levers.hpp"
#include "report/summary.hpp"
#include "report/verdict.hpp"
#include "schedule/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>

namespace orrery {

namespace {

/// Shares of the step from which something is worth a word.
constexpr double noticeable_bubble = 0.10;
constexpr double noticeable_exchange = 0.08;
constexpr double noticeable_imbalance = 0.05;
constexpr double saturated = 0.80;
constexpr double poor_kernels = 0.40;

/// What a schedule leaves idle on the average rank, as a share of the whole step, when backward
/// takes twice as long as forward and neither halves nor stages differ.
double ideal_bubble(const std::string& schedule, const PipelineShape& shape) {
  const Schedule& known = *find_schedule(schedule);
  if (known.objection(shape)) return 0.0;
  const Replay result = replay(known, shape, {});
  const double work = std::accumulate(result.work.begin(), result.work.end(), 0.0);
  return 1.0 - work / (result.makespan * static_cast<double>(shape.ranks));
}

std::string percent(double fraction) { return fmt::format("{:.0f} %", 100.0 * fraction); }

/// "strategy.tp 8 → 4 takes about 3.1 GB more and fits"; empty if it cannot be or does not fit.
/// Replicas take the ranks that are left over.
std::string smaller(const VerdictInput& input, std::int64_t Strategy::*degree,
                    std::int64_t wanted) {
  const Scenario& scenario = input.scenario;
  const std::int64_t given = scenario.strategy.*degree;
  if (wanted < 1 || wanted >= given || given % wanted != 0) return "";
  Scenario changed = scenario;
  changed.strategy.*degree = wanted;
  if (degree != &Strategy::ep) changed.strategy.dp *= given / wanted;
  const std::optional<Bytes> freed = frees(changed, scenario, input.plan);
  const MemorySummary& memory = input.summary.memory;
  if (!freed || memory.peak - *freed > memory.capacity) return "";
  const std::string_view name = degree == &Strategy::tp   ? "tp"
                                : degree == &Strategy::ep ? "ep"
                                : degree == &Strategy::pp ? "pp"
                                                          : "cp";
  const std::string change = fmt::format("strategy.{} {} → {}", name, given, wanted);
  if (*freed >= Bytes{}) return change;
  return fmt::format("{} takes about {} more and fits", change, format_bytes(-*freed));
}

// --- the pipeline --------------------------------------------------------------------------------

void add(std::string& remedy, std::string_view words) {
  if (!remedy.empty()) remedy += "; ";
  remedy += words;
}

/// Twice as many chunks per rank, if the schedule and the layers allow it.
void advise_chunks(const VerdictInput& input, std::string& remedy) {
  Scenario changed = input.scenario;
  changed.strategy.vpp *= 2;
  changed.strategy.schedule = "interleaved";
  changed.strategy.stage_layers.clear();
  changed.strategy.layout.clear();
  if (!obeys_rules(changed)) return;
  const Plan& plan = input.plan;
  const double after =
      ideal_bubble("interleaved", {plan.strategy.pp, changed.strategy.vpp, plan.micro_batches});
  add(remedy, fmt::format("strategy.vpp = {} with schedule = \"interleaved\": about {} for more "
                          "messages between stages",
                          changed.strategy.vpp, percent(after)));
}

std::string fill_pipeline(const VerdictInput& input) {
  const Plan& plan = input.plan;
  const Strategy& s = plan.strategy;
  const Job& job = plan.job;
  std::string remedy;
  const std::int64_t wanted = 4 * s.pp;
  if (job.micro_batch > 1) {
    const std::int64_t half = job.micro_batch / 2;
    const std::int64_t count = job.global_batch / (half * s.dp);
    add(remedy, fmt::format("workload.micro_batch {} → {}: about {}", job.micro_batch, half,
                            percent(ideal_bubble(s.schedule, {s.pp, s.vpp, count}))));
  }
  if (plan.micro_batches < wanted) {
    add(remedy, fmt::format("workload.global_batch {} → {} makes {} micro-batches: about {}",
                            job.global_batch, wanted * job.micro_batch * s.dp, wanted,
                            percent(ideal_bubble(s.schedule, {s.pp, s.vpp, wanted}))));
  }
  advise_chunks(input, remedy);
  if (!remedy.empty()) return remedy;
  return smaller(input, &Strategy::pp, s.pp / 2);
}

std::vector<Verdict> bubble(const VerdictInput& input) {
  const Plan& plan = input.plan;
  const Strategy& s = plan.strategy;
  const double share = input.summary.speed.bubble_fraction;
  const double ideal = ideal_bubble(s.schedule, {s.pp, s.vpp, plan.micro_batches});
  // Where the schedule explains less than half, unequal stages or stragglers are to blame.
  if (s.pp == 1 || share < noticeable_bubble || ideal < share / 2.0) return {};
  const std::string chunks = s.vpp > 1 ? fmt::format(" of {} chunks", s.vpp) : "";
  return {{"bubble_high", Weight::advice,
           fmt::format("ranks idle {} of the step in the pipeline's bubble: {} micro-batches "
                       "through {} stages{} leave {} at best",
                       percent(share), plan.micro_batches, s.pp, chunks, percent(ideal)),
           fill_pipeline(input)}};
}

const StageSummary& slowest_stage(const Summary& summary) {
  return *std::ranges::max_element(summary.stages, {},
                                   [](const StageSummary& stage) { return stage.busy.value(); });
}

double mean_busy(const Summary& summary) {
  double sum = 0.0;
  for (const StageSummary& stage : summary.stages) sum += stage.busy.value();
  return sum / static_cast<double>(summary.stages.size());
}

/// Layers whose time is nearest to the excess; none when a layer is too coarse to even it out.
std::int64_t layers_to_move(const StageSummary& slow, double excess_s) {
  if (slow.layers < 2) return 0;
  const double per_layer = slow.busy.value() / static_cast<double>(slow.layers);
  return std::min<std::int64_t>(slow.layers - 1, std::llround(excess_s / per_layer));
}

std::vector<Verdict> uneven_stages(const VerdictInput& input) {
  const Summary& summary = input.summary;
  if (summary.stages.size() < 2) return {};
  const StageSummary& slow = slowest_stage(summary);
  const double mean = mean_busy(summary);
  const double excess = slow.busy.value() - mean;
  const std::int64_t moved = layers_to_move(slow, excess);
  if (excess < noticeable_imbalance * mean || moved == 0) return {};
  return {{"stages_uneven", Weight::advice,
           fmt::format("stage {} computes {} longer than the average stage ({} of {}); the others "
                       "wait for it",
                       slow.stage, percent(excess / mean), format_seconds(Seconds(excess)),
                       format_seconds(slow.busy)),
           fmt::format("strategy.stage_layers with {} instead of {} layers on stage {}",
                       slow.layers - moved, slow.layers, slow.stage)}};
}

/// The GPU of a rank, if ranks of its stage run on another type; else null.
const Gpu* unlike_others(const VerdictInput& input, RankId rank) {
  const ClusterSpec& cluster = input.scenario.cluster;
  const Plan& plan = input.plan;
  const auto gpu_of = [&](std::size_t i) {
    return &cluster.gpu_at(static_cast<std::int64_t>(index_of(plan.gpu_of_rank[i])));
  };
  const Gpu* own = gpu_of(index_of(rank));
  for (std::size_t i = 0; !cluster.groups.empty() && i < plan.gpu_of_rank.size(); ++i) {
    const bool beside = plan.mesh.stage_of(id_at<RankId>(i)) == plan.mesh.stage_of(rank);
    if (beside && gpu_of(i) != own) return own;
  }
  return nullptr;
}

std::vector<Verdict> slow_ranks(const VerdictInput& input) {
  // Where experts are unevenly full, it is their ranks that compute longer, on sound GPUs.
  if (input.summary.routing.imbalance > 1.0 + noticeable_imbalance) return {};
  const bool piped = input.summary.stages.size() > 1;
  for (const StageSummary& stage : input.summary.stages) {
    if (stage.busy_imbalance < noticeable_imbalance) continue;
    const Gpu* const other = unlike_others(input, stage.slowest_rank);
    return {
        {"ranks_uneven", Weight::warning,
         fmt::format("rank {}{} computes {} longer than the average rank{}; synchronous ranks "
                     "wait for it",
                     static_cast<std::uint32_t>(stage.slowest_rank),
                     other == nullptr ? "" : " on " + other->name, percent(stage.busy_imbalance),
                     piped ? fmt::format(" of stage {}", stage.stage) : ""),
         other == nullptr
             ? "replace the slow GPU, or leave its node out"
             : "strategy.replica_batch with fewer sequences for replicas on that GPU"}};
  }
  return {};
}

// --- exchanges -----------------------------------------------------------------------------------

struct Exchanged {
  std::string_view axis;
  Seconds time;
  std::string_view what;
};

bool leaves_node(std::int64_t ranks, const VerdictInput& input) {
  return ranks > input.scenario.cluster.gpus_per_node;
}

bool overlaps(const VerdictInput& input, std::string_view what) {
  return input.plan.strategy.overlaps(what);
}

std::string tensor_remedy(const VerdictInput& input) {
  const Strategy& s = input.plan.strategy;
  if (leaves_node(s.tp, input)) {
    return fmt::format("strategy.tp at most {}, so that tensor groups stay inside a node",
                       input.scenario.cluster.gpus_per_node);
  }
  return smaller(input, &Strategy::tp, s.tp / 2);
}

std::string expert_remedy(const VerdictInput& input) {
  const Strategy& s = input.plan.strategy;
  const std::int64_t per_node = input.scenario.cluster.gpus_per_node / s.etp;
  std::string remedy;
  if (s.ep > per_node) remedy = smaller(input, &Strategy::ep, per_node);
  if (!remedy.empty()) remedy += "; tokens then stay inside a node";
  if (remedy.empty()) remedy = smaller(input, &Strategy::ep, s.ep / 2);
  Scenario changed = input.scenario;
  changed.strategy.dispatcher = "deepep";
  if (s.dispatcher == "alltoall" && s.ep > per_node && obeys_rules(changed)) {
    add(remedy, "dispatcher = \"deepep\" sends a token to a node once");
  }
  return remedy;
}

std::string data_remedy(const VerdictInput& input) {
  const Strategy& s = input.plan.strategy;
  std::string remedy;
  if (!overlaps(input, "gradients")) {
    add(remedy, "strategy.overlap with \"gradients\" hides their reduction behind backward");
  }
  if (s.zero > 0 && !overlaps(input, "parameters")) {
    add(remedy, "strategy.overlap with \"parameters\" hides their gathering behind forward");
  }
  const Job& job = input.plan.job;
  if (s.zero >= 2 && !s.defers_reduction()) {
    // Every micro-batch has exchanges of its own.
    if (input.plan.micro_batches % 2 == 0) {
      add(remedy, fmt::format("workload.micro_batch {} → {} halves how often replicas exchange",
                              job.micro_batch, 2 * job.micro_batch));
    }
    if (s.zero == 3 && s.reshards_after_forward()) {
      add(remedy, "strategy.reshard_after_forward = false gathers parameters once, not twice");
    }
    return remedy;
  }
  add(remedy, fmt::format("workload.global_batch {} → {} spreads it over twice the work",
                          job.global_batch, 2 * job.global_batch));
  return remedy;
}

std::string pipeline_remedy(const VerdictInput& input) {
  const Strategy& s = input.plan.strategy;
  if (!overlaps(input, "pipeline")) {
    return "strategy.overlap with \"pipeline\" sends behind computing";
  }
  if (s.vpp > 1) return fmt::format("strategy.vpp {} → {} halves the messages", s.vpp, s.vpp / 2);
  return smaller(input, &Strategy::pp, s.pp / 2);
}

std::string context_remedy(const VerdictInput& input) {
  return smaller(input, &Strategy::cp, input.plan.strategy.cp / 2);
}

std::string remedy_for(const VerdictInput& input, std::string_view axis) {
  if (axis == "tp") return tensor_remedy(input);
  if (axis == "ep") return expert_remedy(input);
  if (axis == "dp") return data_remedy(input);
  if (axis == "pp") return pipeline_remedy(input);
  return context_remedy(input);
}

void add_exposed(const VerdictInput& input, std::vector<Verdict>& all) {
  const TimeShares& time = input.summary.time;
  std::array exchanges = {Exchanged{"tp", time.exposed_tp, "tensor-parallel exchanges"},
                          Exchanged{"cp", time.exposed_cp, "context-parallel exchanges"},
                          Exchanged{"ep", time.exposed_ep, "the all-to-alls of experts"},
                          Exchanged{"pp", time.exposed_pp, "messages between stages"},
                          Exchanged{"dp", time.exposed_dp, "data-parallel exchanges"}};
  std::ranges::stable_sort(exchanges, std::greater<>{},
                           [](const Exchanged& e) { return e.time.value(); });
  for (const Exchanged& exchange : exchanges) {
    const double share = exchange.time / input.summary.step_time;
    if (!(share >= noticeable_exchange)) continue;
    all.push_back({fmt::format("exposed_{}_high", exchange.axis), Weight::advice,
                   fmt::format("ranks wait {} of the step ({}) for {} that computing does not hide",
                               percent(share), format_seconds(exchange.time), exchange.what),
                   remedy_for(input, exchange.axis)});
  }
}

void add_links(const Summary& summary, std::vector<Verdict>& all) {
  for (const LinkSummary& link : summary.links) {
    if (link.mean_utilization < saturated) continue;
    all.push_back(
        {"link_saturated", Weight::warning,
         fmt::format("{} carries {} of its {} over the whole step", link.busiest,
                     percent(link.mean_utilization), format_rate(link.capacity)),
         fmt::format("more {} bandwidth, or a strategy that sends less through it", link.kind)});
  }
}

void add_experts(const VerdictInput& input, std::vector<Verdict>& all) {
  const double imbalance = input.summary.speed.expert_imbalance;
  if (imbalance < 0.2) return;
  all.push_back(
      {"experts_uneven", Weight::advice,
       fmt::format("the fullest expert rank gets {} more tokens than the average one",
                   percent(imbalance)),
       input.plan.job.routing.kind == RoutingKind::uniform
           ? "a larger micro_batch evens it out; capacity_factor bounds it by dropping tokens"
           : "capacity_factor bounds it by dropping tokens; in inference redundant_experts spread "
             "what is popular"});
}

}  // namespace

std::vector<Verdict> pipeline_verdicts(const VerdictInput& input) {
  std::vector<Verdict> all;
  for (const auto part : {bubble, uneven_stages, slow_ranks}) {
    for (Verdict& verdict : part(input)) all.push_back(std::move(verdict));
  }
  return all;
}

std::vector<Verdict> exchange_verdicts(const VerdictInput& input) {
  std::vector<Verdict> all;
  add_links(input.summary, all);
  add_exposed(input, all);
  add_experts(input, all);
  return all;
}

std::vector<Verdict> compute_verdicts(const VerdictInput& input) {
  const Summary& summary = input.summary;
  const double computing = summary.time.compute / summary.step_time;
  const double reached = computing > 0.0 ? summary.speed.hfu / computing : 1.0;
  const bool decodes = input.plan.job.kind == JobKind::decode;
  if (decodes || !(reached < poor_kernels) || computing < 0.3) return {};
  const std::int64_t micro_batch = input.plan.job.micro_batch;
  const std::string_view room = summary.memory.fits() ? " while memory lasts" : " once memory fits";
  return {{"kernels_inefficient", Weight::advice,
           fmt::format("while they compute, ranks reach {} of the GPU's peak: kernels are small or "
                       "bound by memory",
                       percent(reached)),
           fmt::format("workload.micro_batch {} → {}{}, a smaller tp, or a narrower ep",
                       micro_batch, 2 * micro_batch, room)}};
}

}  // namespace orrery
