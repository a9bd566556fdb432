#include "report/json.hpp"

#include "report/metrics.hpp"
#include "report/summary.hpp"

#include <nlohmann/json.hpp>

namespace orrery {

namespace {

using Json = nlohmann::ordered_json;

std::string_view to_string(JobKind kind) {
  switch (kind) {
    case JobKind::training:
      return "training";
    case JobKind::forward:
      return "forward";
    case JobKind::decode:
      return "decode";
  }
  return "";
}

Json workload(const RunFacts& run) {
  return {{"kind", to_string(run.job.kind)},
          {"sequence_length", run.job.sequence_length},
          {"context_length", run.job.context_length},
          {"global_batch", run.job.global_batch},
          {"micro_batch", run.job.micro_batch},
          {"micro_batches", run.micro_batches},
          {"precision", orrery::to_string(run.job.precision)}};
}

Json verdicts(const Summary& summary) {
  Json all = Json::array();
  for (const Verdict& verdict : summary.verdicts) {
    all.push_back({{"code", verdict.code},
                   {"severity", orrery::to_string(verdict.weight)},
                   {"message", verdict.message},
                   {"remedy", verdict.remedy}});
  }
  return all;
}

Json links(const Summary& summary) {
  Json all = Json::array();
  for (const LinkSummary& link : summary.links) {
    all.push_back({{"class", link.kind},
                   {"busiest", link.busiest},
                   {"mean_utilization", link.mean_utilization},
                   {"peak_utilization", link.peak_utilization},
                   {"average_utilization", link.average_utilization},
                   {"capacity_bytes_per_s", link.capacity.value()},
                   {"links", link.links}});
  }
  return all;
}

Json stages(const Summary& summary) {
  Json all = Json::array();
  for (const StageSummary& stage : summary.stages) {
    all.push_back({{"stage", stage.stage},
                   {"ranks", stage.ranks},
                   {"layers", stage.layers},
                   {"busy_s", stage.busy.value()},
                   {"exposed_s", stage.exposed.value()},
                   {"bubble_s", stage.bubble.value()},
                   {"peak_bytes", stage.peak.value()}});
  }
  return all;
}

Json figure(const std::optional<double>& value, bool is_flag) {
  if (!value) return nullptr;
  if (is_flag) return *value != 0.0;
  return *value;
}

Json expects(const Summary& summary) {
  Json all = Json::array();
  for (const Judgement& judgement : summary.expects) {
    const auto metric = find_metric(summary, judgement.metric);
    const bool is_flag = metric && metric->unit == MetricUnit::flag;
    all.push_back({{"metric", judgement.metric},
                   {"claim", judgement.claim},
                   {"expected", figure(judgement.expected, is_flag)},
                   {"tolerance", figure(judgement.tolerance, false)},
                   {"got", figure(judgement.got, is_flag)},
                   {"error", figure(judgement.error, false)},
                   {"ok", judgement.ok},
                   {"source", judgement.source},
                   {"note", judgement.note},
                   {"reason", judgement.reason}});
  }
  return all;
}

void insert(Json& object, const MetricValue& metric) {
  Json* place = &object;
  std::string_view rest = metric.name;
  for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
    place = &(*place)[std::string(rest.substr(0, dot))];
    rest.remove_prefix(dot + 1);
  }
  std::visit([&](auto value) { (*place)[std::string(rest)] = value; }, metric.value);
}

/// 10th and 90th percentile, and what was priced beyond what was measured.
void add_interval(const Summary& summary, Json& object) {
  if (!summary.interval) return;
  const StepInterval& interval = *summary.interval;
  const double seconds = summary.step_time.value();
  const double rate = summary.speed.tokens_per_s;
  object["step_time_interval_s"] = {interval.low * seconds, interval.high * seconds};
  object["tokens_per_s_interval"] = {rate / interval.high, rate / interval.low};
  object["extrapolated"] = Json::array();
  for (const Extrapolated& one : interval.extrapolated) {
    object["extrapolated"].push_back({{"name", one.name}, {"share", one.share}});
  }
}

/// What stands before the numbers; objects that numbers fill later get their places here.
Json heading(const Summary& summary) {
  return {{"scenario", summary.run.scenario},
          {"model", {{"name", summary.model.name}}},
          {"cluster", summary.run.cluster},
          {"gpu", summary.run.gpu},
          {"kernels_from", summary.run.kernels_from},
          {"software", summary.run.software},
          {"workload", workload(summary.run)},
          {"strategy", {{"text", orrery::to_string(summary.run.strategy)}}},
          {"routing", {{"kind", orrery::to_string(summary.run.job.routing.kind)}}},
          {"feasible", summary.feasible},
          {"verdicts", verdicts(summary)}};
}

}  // namespace

std::string to_json(const Summary& summary) {
  Json object = heading(summary);
  for (const MetricValue& metric : metric_values(summary)) {
    const bool late = metric.name.starts_with("links.") || metric.name.starts_with("simulation.");
    if (!late) insert(object, metric);
  }
  add_interval(summary, object);
  object["memory"]["during"] = summary.memory.during;
  object["links"] = links(summary);
  object["stages"] = stages(summary);
  object["expects"] = expects(summary);
  for (const MetricValue& metric : metric_values(summary)) {
    if (metric.name.starts_with("simulation.")) insert(object, metric);
  }
  constexpr auto replace = Json::error_handler_t::replace;
  return object.dump(2, ' ', false, replace) + "\n";
}

}  // namespace orrery
