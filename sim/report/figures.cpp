#include "report/figures.hpp"

#include "base/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace orrery {

namespace {

constexpr auto index(Component component) { return static_cast<std::size_t>(component); }

/// Sums over ranks in picoseconds: exact as long as they stay below 2^53, and the same in any case.
class TimeSums {
 public:
  void add(const TimeUse& use, double ranks) {
    for (std::size_t i = 0; i < component_count; ++i) {
      parts_[i] += ranks * static_cast<double>(use.by_component[i].count());
    }
    bubble_ += ranks * static_cast<double>(use.bubble.count());
    ranks_ += ranks;
  }

  TimeShares average() const {
    using enum Component;
    return {.compute = part(compute),
            .exposed_tp = part(tp),
            .exposed_cp = part(cp),
            .exposed_ep = part(ep),
            .exposed_pp = part(pp),
            .exposed_dp = part(dp),
            .bubble = mean(bubble_),
            .optimizer = part(optimizer),
            .other = part(other)};
  }
  double ranks() const { return ranks_; }

 private:
  Seconds part(Component component) const { return mean(parts_[index(component)]); }
  Seconds mean(double sum) const { return Seconds(ranks_ > 0.0 ? sum / ranks_ * 1e-12 : 0.0); }

  std::array<double, component_count> parts_{};
  double bubble_ = 0.0;
  double ranks_ = 0.0;
};

bool takes_time(const Program& program, const Task& task) {
  const Action& action = program.kinds[task.kind].action;
  return std::holds_alternative<Compute>(action) || std::holds_alternative<Communicate>(action);
}

std::string describe_task(const Program& program, const Task& task) {
  std::string text = program.kinds[task.kind].name;
  std::vector<std::string> where;
  if (task.layer != none_16) where.push_back(fmt::format("layer {}", task.layer));
  if (task.micro_batch != none_16) where.push_back(fmt::format("micro-batch {}", task.micro_batch));
  for (std::size_t i = 0; i < where.size(); ++i) text += (i == 0 ? " of " : ", ") + where[i];
  return text;
}

/// What the rank was about to do at its fullest: the first task from there on that takes time.
std::string activity_at(const Program& program, const Script& script, const MemoryPeak& peak) {
  if (peak.lane >= script.lanes.size()) return "";
  const std::vector<Task>& tasks = script.lanes[peak.lane].tasks;
  for (std::size_t i = peak.position; i < tasks.size(); ++i) {
    if (takes_time(program, tasks[i])) return describe_task(program, tasks[i]);
  }
  return "";
}

Bytes usable(Bytes capacity, const Software& software) {
  return Bytes(
      static_cast<std::int64_t>(static_cast<double>(capacity.value()) * software.usable_memory));
}

/// Utilisation of one class of links over the whole run.
double utilization(const Resource& resource, const ResourceUse& use, Seconds end) {
  const double could = resource.capacity.value() * end.value();
  return could > 0.0 ? use.bytes / could : 0.0;
}

void add_link(LinkSummary& summary, const Resource& resource, const ResourceUse& use, Seconds end) {
  const double mean = utilization(resource, use, end);
  summary.links += resource.count;
  summary.average_utilization += mean * static_cast<double>(resource.count);
  if (!summary.busiest.empty() && mean <= summary.mean_utilization) return;
  summary.busiest = resource.name;
  summary.capacity = resource.capacity;
  summary.mean_utilization = mean;
  const double capacity = resource.capacity.value();
  summary.peak_utilization = capacity > 0.0 ? use.peak_rate / capacity : 0.0;
}

Seconds work_of(const TimeShares& time) { return time.compute + time.optimizer + time.other; }

/// Classes of one stage: their times together, and their fullest and slowest.
struct StageSums {
  TimeSums time;
  Bytes peak;
  double busy_s = 0.0;
  double longest_s = 0.0;
  RankId slowest{};
};

void add_class(StageSums& sums, const RankClass& rank_class, const TimeUse& use, Bytes peak) {
  const auto ranks = static_cast<double>(rank_class.count);
  const double busy = to_seconds(use.busy).value();
  sums.time.add(use, ranks);
  sums.peak = std::max(sums.peak, peak);
  sums.busy_s += ranks * busy;
  if (busy <= sums.longest_s) return;
  sums.longest_s = busy;
  sums.slowest = rank_class.representative;
}

StageSummary summary_of(const StageSums& sums, const StagePlan& plan, std::int64_t stage) {
  const TimeShares time = sums.time.average();
  const double ranks = sums.time.ranks();
  return {.stage = stage,
          .ranks = static_cast<std::int64_t>(ranks),
          .layers = layer_count(plan),
          .busy = work_of(time),
          .exposed = time.exposed(),
          .bubble = time.bubble,
          .peak = sums.peak,
          .slowest_rank = sums.slowest,
          .busy_imbalance = sums.busy_s > 0.0 ? sums.longest_s * ranks / sums.busy_s - 1.0 : 0.0};
}

}  // namespace

TimeShares average_time(const Program& program, const RunResult& result) {
  TimeSums sums;
  for (std::size_t i = 0; i < program.classes.size(); ++i) {
    const auto id = id_at<ClassId>(i);
    sums.add(result.time[id], static_cast<double>(program.classes[id].count));
  }
  return sums.average();
}

/// Of the GPU; an allocator takes at least what it gives.
Bytes taken(const MemoryPeak& peak) { return std::max(peak.bytes, peak.reserved); }

MemorySummary memory_summary(const SummaryInput& input) {
  const Program& program = input.program;
  CHECK(!program.classes.empty());
  ClassId fullest{};
  const auto missing = [&](ClassId id) {
    return taken(input.result.memory[id]) -
           program.scripts[program.classes[id].script].memory_capacity;
  };
  for (std::size_t i = 1; i < program.classes.size(); ++i) {
    const auto id = id_at<ClassId>(i);
    if (missing(id) > missing(fullest)) fullest = id;
  }
  const RankClass& ranks = program.classes[fullest];
  const Script& script = program.scripts[ranks.script];
  const MemoryPeak& peak = input.result.memory[fullest];
  return {.capacity = usable(script.memory_capacity, input.plan.software),
          .peak = peak.bytes,
          .reserved = taken(peak),
          .held = peak.held,
          .peak_rank = ranks.representative,
          .stage = input.plan.mesh.stage_of(ranks.representative),
          .at = to_seconds(peak.at),
          .during = activity_at(program, script, peak)};
}

std::vector<LinkSummary> link_summaries(const Program& program, const RunResult& result) {
  std::map<std::string, LinkSummary> by_kind;
  for (std::size_t i = 0; i < program.resources.size(); ++i) {
    const auto id = id_at<ResourceId>(i);
    LinkSummary& summary = by_kind[program.resources[id].kind];
    add_link(summary, program.resources[id], result.resources[id], to_seconds(result.end));
  }
  std::vector<LinkSummary> all;
  for (auto& [kind, summary] : by_kind) {
    if (summary.mean_utilization <= 0.0) continue;
    summary.kind = kind;
    summary.average_utilization /= static_cast<double>(summary.links);
    all.push_back(std::move(summary));
  }
  return all;
}

std::vector<StageSummary> stage_summaries(const SummaryInput& input) {
  std::vector<StageSums> sums(input.plan.stages.size());
  for (std::size_t i = 0; i < input.program.classes.size(); ++i) {
    const auto id = id_at<ClassId>(i);
    const RankClass& rank_class = input.program.classes[id];
    const std::int64_t stage = input.plan.mesh.stage_of(rank_class.representative);
    add_class(sums.at(static_cast<std::size_t>(stage)), rank_class, input.result.time[id],
              input.result.memory[id].bytes);
  }
  std::vector<StageSummary> all;
  for (std::size_t stage = 0; stage < sums.size(); ++stage) {
    all.push_back(
        summary_of(sums[stage], input.plan.stages[stage], static_cast<std::int64_t>(stage)));
  }
  return all;
}

std::int64_t layer_count(const StagePlan& stage) {
  std::int64_t count = 0;
  for (const ChunkPlan& chunk : stage.chunks) {
    count += std::ranges::count_if(chunk.layers,
                                   [](const PlacedLayer& l) { return l.number != none_16; });
  }
  return count;
}

RoutingSummary routing_summary(const Plan& plan) {
  RoutingSummary summary;
  double layers = 0.0;
  RoutingSummary sums;
  sums.imbalance = sums.expert_imbalance = 0.0;
  for (std::size_t i = 0; i < plan.loads.size(); ++i) {
    const LayerLoad& load = plan.loads[i];
    if (load.ranks == 0 || load.picked == 0) continue;
    const auto picked = static_cast<double>(load.picked);
    const double imbalance = load.imbalance();
    layers += 1.0;
    sums.imbalance += imbalance;
    sums.expert_imbalance += static_cast<double>(load.fullest_expert) *
                             static_cast<double>(plan.model.experts->experts) / picked;
    sums.dropped_fraction += static_cast<double>(load.dropped) / picked;
    sums.padded_fraction += static_cast<double>(load.padded) / picked;
    if (imbalance <= summary.worst_imbalance) continue;
    summary.worst_imbalance = imbalance;
    summary.worst_layer = static_cast<std::int64_t>(i);
  }
  if (layers == 0.0) return summary;
  summary.uneven = true;
  summary.imbalance = sums.imbalance / layers;
  summary.expert_imbalance = sums.expert_imbalance / layers;
  summary.dropped_fraction = sums.dropped_fraction / layers;
  summary.padded_fraction = sums.padded_fraction / layers;
  summary.dropped = sums.dropped_fraction * static_cast<double>(plan.job.global_batch) *
                    static_cast<double>(plan.job.tokens_per_sequence()) *
                    static_cast<double>(plan.model.experts->top_k);
  return summary;
}

Bytes total_of(const BytesByCategory& held) {
  return std::accumulate(held.begin(), held.end(), Bytes{});
}

}  // namespace orrery
