#include "cli/comparison.hpp"

#include "report/json.hpp"
#include "report/metrics.hpp"
#include "report/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace orrery {

namespace {

using Json = nlohmann::ordered_json;

/// What is to be small: seconds per token, dollars per million of them, GPUs.
std::array<double, 3> burdens(const Summary& summary) {
  const double rate = summary.speed.tokens_per_s;
  return {rate > 0.0 ? 1.0 / rate : summary.step_time.value(), summary.price.per_million_tokens,
          static_cast<double>(summary.run.gpus_required)};
}

bool beats(const Summary& a, const Summary& b) {
  const auto left = burdens(a);
  const auto right = burdens(b);
  const bool nowhere_worse = std::ranges::equal(left, right, std::less_equal<>());
  return nowhere_worse && left != right;
}

/// Figures of the simulation itself say nothing about the plans.
bool is_compared(const MetricValue& metric) {
  return !metric.name.starts_with("simulation.") && metric.name != "latency_s";
}

/// The names of all figures that any of the runs has, in the order of the first that has them.
std::vector<std::string> all_names(const std::vector<std::vector<MetricValue>>& runs) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const auto& run : runs) {
    for (const MetricValue& metric : run) {
      if (is_compared(metric) && seen.insert(metric.name).second) names.push_back(metric.name);
    }
  }
  return names;
}

const MetricValue* find(const std::vector<MetricValue>& run, const std::string& name) {
  const auto found = std::ranges::find(run, name, &MetricValue::name);
  return found == run.end() ? nullptr : &*found;
}

std::vector<std::vector<MetricValue>> values_of(const std::vector<Summary>& summaries) {
  std::vector<std::vector<MetricValue>> runs;
  for (const Summary& summary : summaries) runs.push_back(metric_values(summary));
  return runs;
}

/// The figure over that of the first run; nothing when there is no sense in dividing.
std::optional<double> ratio(const MetricValue* metric, const MetricValue* first) {
  if (metric == nullptr || first == nullptr || metric->unit == MetricUnit::flag) return {};
  if (first->number() == 0.0) return {};
  return metric->number() / first->number();
}

std::string cell(const MetricValue* metric, const MetricValue* first) {
  if (metric == nullptr) return "-";
  const std::optional<double> times = ratio(metric, first);
  if (metric == first || !times || *times == 1.0) return format_metric(*metric);
  return fmt::format("{} (x{:.3g})", format_metric(*metric), *times);
}

std::string interval_cell(const Summary& summary) {
  if (!summary.interval) return "-";
  const auto at = [&](double factor) {
    return format_metric(MetricUnit::seconds, factor * summary.step_time.value());
  };
  return at(summary.interval->low) + " to " + at(summary.interval->high);
}

bool is_all_zero(const std::vector<std::vector<MetricValue>>& runs, const std::string& name) {
  return std::ranges::all_of(runs, [&](const std::vector<MetricValue>& run) {
    const MetricValue* metric = find(run, name);
    const bool flag = metric != nullptr && metric->unit == MetricUnit::flag;
    return metric == nullptr || (!flag && metric->number() == 0.0);
  });
}

}  // namespace

std::vector<bool> pareto_front(const std::vector<Summary>& summaries) {
  const bool any = std::ranges::any_of(summaries, &Summary::feasible);
  std::vector<bool> front;
  for (const Summary& candidate : summaries) {
    const bool beaten = std::ranges::any_of(summaries, [&](const Summary& other) {
      return (other.feasible || !any) && beats(other, candidate);
    });
    front.push_back((candidate.feasible || !any) && !beaten);
  }
  return front;
}

std::string comparison_text(const std::vector<Summary>& summaries) {
  const auto runs = values_of(summaries);
  const std::vector<bool> front = pareto_front(summaries);
  std::vector<AlignedTable::Column> columns = {{}};
  for (const Summary& summary : summaries) columns.push_back({summary.run.scenario, Align::right});
  AlignedTable table(std::move(columns));
  std::vector<std::string> row = {"Pareto front"};
  for (const bool on_front : front) row.emplace_back(on_front ? "yes" : "");
  table.add(row);
  row = {"step_time, 10 to 90 %"};
  for (const Summary& summary : summaries) row.push_back(interval_cell(summary));
  table.add(row);
  for (const std::string& name : all_names(runs)) {
    if (is_all_zero(runs, name)) continue;
    row = {name};
    for (const auto& run : runs) row.push_back(cell(find(run, name), find(runs[0], name)));
    table.add(row);
  }
  return table.text();
}

std::string comparison_json(const std::vector<Summary>& summaries) {
  const auto runs = values_of(summaries);
  const std::vector<bool> front = pareto_front(summaries);
  Json json;
  json["scenarios"] = Json::array();
  json["ratios"] = Json::array();
  json["pareto"] = Json::array();
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    json["scenarios"].push_back(Json::parse(to_json(summaries[i])));
    Json ratios;
    for (const std::string& name : all_names(runs)) {
      const auto times = ratio(find(runs[i], name), find(runs[0], name));
      if (times) ratios[name] = *times;
    }
    json["ratios"].push_back(std::move(ratios));
    if (front[i]) json["pareto"].push_back(summaries[i].run.scenario);
  }
  return json.dump(2) + "\n";
}

}  // namespace orrery
