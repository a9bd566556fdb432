#include "search/feasibility.hpp"

#include "base/units_text.hpp"
#include "parallel/placement.hpp"
#include "scenario/faults.hpp"
#include "scenario/validate.hpp"
#include "search/links.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace orrery {

namespace {

Bytes usable(const Gpu& gpu, const Scenario& scenario) {
  const auto capacity = static_cast<double>(gpu.memory_capacity.value());
  return Bytes(static_cast<std::int64_t>(capacity * scenario.software.usable_memory));
}

bool is_error(const Finding& finding) { return finding.severity == Severity::error; }

/// Findings after which a plan's sizes still mean something.
bool spares_the_plan(const Finding& finding) {
  constexpr std::array harmless = {"gpus_missing", "nodes_missing", "batch_not_divisible",
                                   "precision_not_supported"};
  return !is_error(finding) || std::ranges::find(harmless, finding.code) != harmless.end();
}

/// The job with a batch that every replica gets a whole share of.
Job with_whole_batch(const Scenario& scenario) {
  Job job = scenario.job;
  if (!scenario.strategy.replica_batch.empty()) return job;
  const std::int64_t share = scenario.strategy.dp * job.micro_batch;
  job.global_batch = (job.global_batch + share - 1) / share * share;
  return job;
}

void add_missing(std::vector<Finding>& to, std::vector<Finding> from) {
  for (Finding& finding : from) {
    const auto known = std::ranges::find(to, finding.code, &Finding::code);
    if (known == to.end()) to.push_back(std::move(finding));
  }
}

}  // namespace

bool Feasibility::feasible() const { return std::ranges::none_of(verdicts, is_error); }

Bytes memory_capacity(const Scenario& scenario) {
  Bytes least = usable(scenario.cluster.gpu_at(0), scenario);
  const std::int64_t spanned = gpus_spanned(scenario, gpus_required(scenario));
  for (const GpuShare& share : scenario.cluster.first_gpus(spanned)) {
    least = std::min(least, usable(*share.gpu, scenario));
  }
  return least;
}

std::vector<Bytes> memory_capacities(const Scenario& scenario) {
  const auto stages = static_cast<std::size_t>(scenario.strategy.pp);
  if (scenario.cluster.groups.empty()) {
    return std::vector<Bytes>(stages, memory_capacity(scenario));
  }
  const Mesh mesh(scenario.strategy);
  const std::vector<VertexId> gpus = place(mesh, outage_of(scenario));
  std::vector<Bytes> capacities(stages, Bytes(INT64_MAX));
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    Bytes& least = capacities[static_cast<std::size_t>(mesh.stage_of(id_at<RankId>(i)))];
    const auto number = static_cast<std::int64_t>(index_of(gpus[i]));
    least = std::min(least, usable(scenario.cluster.gpu_at(number), scenario));
  }
  return capacities;
}

const StageMemory& tightest(const std::vector<StageMemory>& stages,
                            const std::vector<Bytes>& capacities) {
  const auto missing = [&](const StageMemory& memory) {
    return memory.total - capacities[static_cast<std::size_t>(memory.stage)];
  };
  return *std::ranges::max_element(stages, {}, missing);
}

std::string describe(const BytesByCategory& held) {
  std::vector<std::size_t> order(held.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return held[a] > held[b]; });
  std::string text;
  for (const std::size_t i : order) {
    if (held[i] * 100 < sum_of(held)) break;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", to_string(static_cast<MemoryCategory>(i)), format_bytes(held[i]));
  }
  return text;
}

std::optional<Finding> judge_memory(const Scenario& scenario,
                                    const std::vector<StageMemory>& memory) {
  const std::vector<Bytes> capacities = memory_capacities(scenario);
  const StageMemory& most = tightest(memory, capacities);
  const Bytes capacity = capacities[static_cast<std::size_t>(most.stage)];
  if (most.total <= capacity) return std::nullopt;
  const std::string where =
      memory.size() > 1 ? fmt::format("a rank of stage {}", most.stage) : "each rank";
  return Finding{
      "memory_exceeded", Severity::error,
      fmt::format("{} needs {} of {} ({:.1f} %): {}", where, format_bytes(most.total),
                  format_bytes(capacity), 100.0 * (most.total / capacity), describe(most.held)),
      fmt::format("{} too much", format_bytes(most.total - capacity)),
      scenario.position("strategy")};
}

Feasibility judge_feasibility(const Scenario& scenario) {
  Feasibility result;
  result.verdicts = scenario.findings;
  add_missing(result.verdicts, judge(scenario, RuleKind::feasibility));
  add_missing(result.verdicts, judge(scenario, RuleKind::legality));
  const Job job = with_whole_batch(scenario);
  const bool has_mesh = std::ranges::none_of(
      result.verdicts, [](const Finding& f) { return f.code == "experts_not_folding"; });
  if (has_mesh) result.division = divide({scenario.model, scenario.job, scenario.strategy});
  if (!std::ranges::all_of(result.verdicts, spares_the_plan)) return result;
  result.plan = make_plan({scenario.model, scenario.software, job, scenario.strategy});
  result.plan->gpu_of_rank = place(result.plan->mesh, outage_of(scenario));
  result.memory = estimate_memory(*result.plan);
  if (auto finding = judge_memory(scenario, result.memory)) {
    result.verdicts.push_back(std::move(*finding));
  }
  if (!result.feasible()) return result;
  for (Finding& finding : judge_links(scenario, *result.plan)) {
    result.verdicts.push_back(std::move(finding));
  }
  return result;
}

}  // namespace orrery
