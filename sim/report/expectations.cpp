#include "report/expectations.hpp"

#include "base/difference.hpp"
#include "report/metrics.hpp"
#include "report/summary.hpp"
#include "scenario/expectations.hpp"

#include <fmt/format.h>

#include <cmath>

namespace orrery {

namespace {

/// What a figure that was computed may lie beside a bound: rounding, not disagreement.
constexpr double rounding = 1e-9;

bool exceeds(const Expectation& expectation, double got) {
  return expectation.at_most && got > *expectation.at_most + rounding * std::abs(got);
}

bool falls_short(const Expectation& expectation, double got) {
  return expectation.at_least && got < *expectation.at_least - rounding * std::abs(got);
}

bool agrees(const Expectation& expectation, const MetricValue& metric) {
  if (!expectation.value) return true;
  const double got = metric.number();
  if (metric.unit == MetricUnit::flag) return got == *expectation.value;
  const double tolerance = expectation.tolerance.value_or(default_tolerance);
  return std::abs(got - *expectation.value) <=
         (tolerance + rounding) * std::abs(*expectation.value);
}

/// The value, or the bound that decides: the one that is violated, else the upper one.
double decisive(const Expectation& expectation, std::optional<double> got) {
  if (expectation.value) return *expectation.value;
  const bool lower = !expectation.at_most || (got && falls_short(expectation, *got));
  return lower ? expectation.at_least.value_or(0.0) : *expectation.at_most;
}

/// One part for the whole, or the other way round: what this run offers to mix up.
std::vector<MixUp> particular_mix_ups(const MetricValue& metric, const Summary& summary) {
  std::vector<MixUp> all;
  const auto add = [&](std::int64_t count, std::string_view what) {
    if (count < 2) return;
    const auto factor = static_cast<double>(count);
    all.push_back({1.0 / factor, fmt::format("it is for one of {} {}", count, what)});
    all.push_back({factor, fmt::format("it is for all {} {} together", count, what)});
  };
  const std::string& name = metric.name;
  if (name.starts_with("memory.") || name.starts_with("tokens_per_s")) {
    add(summary.run.gpus_required, "GPUs");
  }
  if (name == "tokens_per_s" || name == "sequences_per_s") {
    add(summary.run.job.tokens_per_sequence(), "tokens of a sequence");
    add(summary.run.job.global_batch, "sequences of the batch");
  }
  return all;
}

std::string reason_for(const Judgement& judgement, const MetricValue& metric,
                       const Summary& summary) {
  if (judgement.ok || !judgement.tolerance || metric.unit == MetricUnit::flag) return "";
  return explain_difference(judgement.expected, *judgement.got,
                            figure_kind(metric.unit, metric.name),
                            particular_mix_ups(metric, summary))
      .value_or("");
}

Judgement judge_one(const Expectation& expectation, const Summary& summary) {
  const std::optional<MetricValue> metric = find_metric(summary, expectation.metric);
  Judgement judgement{.metric = expectation.metric,
                      .claim = expectation.claim,
                      .source = expectation.source,
                      .note = expectation.note};
  if (expectation.value) judgement.tolerance = expectation.tolerance.value_or(default_tolerance);
  if (!metric) {
    judgement.expected = decisive(expectation, std::nullopt);
    judgement.reason = "a run of this kind has no such figure";
    return judgement;
  }
  const double got = metric->number();
  judgement.metric = metric->name;
  judgement.got = got;
  judgement.expected = decisive(expectation, got);
  judgement.ok =
      agrees(expectation, *metric) && !exceeds(expectation, got) && !falls_short(expectation, got);
  const bool comparable = metric->unit != MetricUnit::flag && judgement.expected != 0.0;
  if (comparable) judgement.error = got / judgement.expected - 1.0;
  judgement.reason = reason_for(judgement, *metric, summary);
  return judgement;
}

}  // namespace

std::vector<Judgement> judge_expectations(const std::vector<Expectation>& expectations,
                                          const Summary& summary) {
  std::vector<Judgement> all;
  for (const Expectation& expectation : expectations)
    all.push_back(judge_one(expectation, summary));
  return all;
}

}  // namespace orrery
