#include "search/claims.hpp"

#include "base/units_text.hpp"
#include "report/expectations.hpp"
#include "scenario/expectations.hpp"
#include "scenario/validate.hpp"
#include "search/account.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace orrery {

namespace {

FigureKind kind_of(std::string_view metric) {
  const Metric* found = find_metric(metric);
  return found == nullptr ? FigureKind::count : figure_kind(found->unit, metric);
}

bool is_flag(std::string_view metric) {
  const Metric* found = find_metric(metric);
  return found != nullptr && found->unit == MetricUnit::flag;
}

/// What may have been counted wrongly in this scenario: one part for the whole, or the other way
/// round.
std::vector<MixUp> particular_mix_ups(const Scenario& scenario, std::string_view metric) {
  std::vector<MixUp> all;
  const auto add = [&](std::int64_t count, std::string_view one, std::string_view many) {
    if (count < 2) return;
    const auto factor = static_cast<double>(count);
    all.push_back({1.0 / factor, fmt::format("it is for one of {} {}", count, one)});
    all.push_back({factor, fmt::format("it is for all {} {} together", count, many)});
  };
  const bool rank_figure = metric.starts_with("memory.") || metric.ends_with("per_gpu");
  if (rank_figure) add(gpus_required(scenario), "GPUs", "GPUs");
  const bool layered = metric.starts_with("memory.") || metric.starts_with("model.");
  if (layered) add(scenario.model.layers, "layers", "layers");
  if (metric == "tokens_per_s" || metric == "sequences_per_s") {
    add(scenario.job.sequence_length, "tokens of a sequence", "tokens of a sequence");
    add(scenario.job.global_batch, "sequences of the batch", "sequences of the batch");
  }
  if (scenario.model.experts && metric == "model.parameters_active") {
    add(scenario.model.experts->top_k, "experts that a token meets", "experts that a token meets");
  }
  return all;
}

std::optional<std::string> mix_up(const Scenario& scenario, std::string_view metric, double claimed,
                                  double found) {
  return explain_difference(claimed, found, kind_of(metric), particular_mix_ups(scenario, metric));
}

bool holds(const Expectation& expectation, double found) {
  constexpr double rounding = 1e-9;
  if (expectation.at_most && found > *expectation.at_most * (1.0 + rounding)) return false;
  if (expectation.at_least && found < *expectation.at_least * (1.0 - rounding)) return false;
  if (!expectation.value) return true;
  if (is_flag(expectation.metric)) return *expectation.value == found;
  const double tolerance = expectation.tolerance.value_or(default_tolerance) + rounding;
  return std::abs(*expectation.value - found) <= tolerance * std::abs(*expectation.value);
}

/// The value, or the bound that decides: the one that is violated, else the upper one.
std::optional<double> decisive(const Expectation& expectation, std::optional<double> found) {
  if (expectation.value) return expectation.value;
  const bool short_of = expectation.at_least && found && *found < *expectation.at_least;
  return short_of || !expectation.at_most ? expectation.at_least : expectation.at_most;
}

/// The least time that the claim leaves for a step, if it says anything about time.
std::optional<double> claimed_time(const Scenario& scenario, const Expectation& expectation) {
  if (!expectation.value || *expectation.value <= 0.0) return std::nullopt;
  const auto batch = static_cast<double>(scenario.job.global_batch);
  const auto tokens = static_cast<double>(scenario.job.tokens_per_sequence());
  if (expectation.metric == "step_time_s" || expectation.metric == "latency_s") {
    return expectation.value;
  }
  if (expectation.metric == "sequences_per_s") return batch / *expectation.value;
  if (expectation.metric == "tokens_per_s") return batch * tokens / *expectation.value;
  return std::nullopt;
}

/// Why a time cannot be: computing alone takes longer at peak rate.
std::optional<std::string> beyond_peak(const Scenario& scenario, const Expectation& expectation,
                                       const Figures& figures) {
  const std::optional<double> time = claimed_time(scenario, expectation);
  const std::optional<double> floor = figures.find("step_time_floor_s");
  if (!time || !floor || *time >= *floor) return std::nullopt;
  const auto gpus = static_cast<double>(gpus_required(scenario));
  const double rate =
      scenario.cluster.peak_of(gpus_required(scenario), scenario.job.precision).value() / gpus;
  return fmt::format(
      "computing alone takes {} at the peak rate of {} GPUs ({:.3g} FLOP at {} each)",
      format_seconds(Seconds(*floor)), gpus, *floor * rate * gpus,
      format_flops_rate(FlopsPerSecond(rate)));
}

/// Where the time of a run goes, for figures of time and speed.
std::string account_of_time(const Figures& figures, std::string_view metric) {
  const auto time = figures.find("step_time_s");
  const auto busy = figures.find("gpu_busy_fraction");
  const auto waiting = figures.find("time_s.communication");
  const bool timed = metric.starts_with("time_s.") ||
                     metric.find("per_s") != std::string_view::npos || metric == "step_time_s" ||
                     metric == "latency_s" || metric == "gpu_busy_fraction";
  if (!timed || !time || !busy || !waiting) return "";
  return fmt::format("of {}, a rank computes {} and waits for exchanges {}",
                     format_seconds(Seconds(*time)), format_seconds(Seconds(*time * *busy)),
                     format_seconds(Seconds(*waiting)));
}

std::string join(const std::string& reason, const std::string& note) {
  if (reason.empty() || note.empty()) return reason.empty() ? note : reason;
  return reason + "; " + note;
}

std::string reason_for(const Scenario& scenario, const Feasibility& feasibility,
                       const Figures& figures, const Expectation& expectation) {
  const std::optional<double> found = figures.find(expectation.metric);
  if (const auto impossible = beyond_peak(scenario, expectation, figures)) {
    return join(*impossible, expectation.note);
  }
  const bool agrees = found && holds(expectation, *found);
  if (found && expectation.value && !agrees) {
    if (const auto reason = mix_up(scenario, expectation.metric, *expectation.value, *found)) {
      return join(*reason, expectation.note);
    }
  }
  if (!agrees && !expectation.note.empty()) return expectation.note;
  const std::string spent = account_of_time(figures, expectation.metric);
  if (!spent.empty()) return join(spent, expectation.note);
  return join(account_for(scenario, feasibility, expectation.metric), expectation.note);
}

// ---- Identities ---------------------------------------------------------------------------------

class Claimed {
 public:
  explicit Claimed(const Scenario& scenario) : scenario_(scenario) {}

  std::optional<double> value(std::string_view metric) const {
    for (const Expectation& expectation : scenario_.expectations) {
      if (expectation.metric == metric && expectation.value) return expectation.value;
    }
    return std::nullopt;
  }
  std::optional<double> time() const {
    const auto step = value("step_time_s");
    return step ? step : value("latency_s");
  }

 private:
  const Scenario& scenario_;
};

struct Implication {
  std::string_view metric;
  double implied = 0.0;
  std::string formula;
};

void add_rates(const Scenario& scenario, const Claimed& claimed, std::vector<Implication>& all) {
  const auto time = claimed.time();
  if (!time) return;
  const auto batch = scenario.job.global_batch;
  const double rate = static_cast<double>(batch) / *time;
  const std::string span = format_seconds(Seconds(*time));
  all.push_back({"sequences_per_s", rate,
                 fmt::format("{} sequences in {} are {:.6g} a second", batch, span, rate)});
  const std::int64_t tokens = batch * scenario.job.tokens_per_sequence();
  const double token_rate = static_cast<double>(tokens) / *time;
  all.push_back({"tokens_per_s", token_rate,
                 fmt::format("{} tokens in {} are {:.6g} a second", tokens, span, token_rate)});
}

void add_fraction(const Scenario& scenario, const Claimed& claimed, std::vector<Implication>& all) {
  const auto peak = claimed.value("memory.peak_bytes");
  if (!peak) return;
  const Bytes capacity = memory_capacity(scenario);
  const double fraction = *peak / static_cast<double>(capacity.value());
  all.push_back({"memory.peak_fraction", fraction,
                 fmt::format("{} of {} are {}", format_figure("memory.peak_bytes", *peak),
                             format_bytes(capacity), format_percent(fraction))});
}

void add_sum(const Claimed& claimed, std::vector<Implication>& all) {
  constexpr std::array parts = {"memory.parameters", "model.expert_bytes", "model.attention_bytes",
                                "memory.gradients",  "memory.optimizer",   "memory.activations",
                                "memory.kv_cache",   "memory.workspace",   "memory.communication",
                                "memory.overhead"};
  double sum = 0.0;
  std::string formula;
  int count = 0;
  for (const std::string_view part : parts) {
    const auto value = claimed.value(part);
    if (!value) continue;
    sum += *value;
    ++count;
    formula += (formula.empty() ? "" : " + ") + format_figure(part, *value);
  }
  if (count < 3) return;
  all.push_back({"memory.peak_bytes", sum,
                 fmt::format("the parts add up to {}: {}", format_figure("memory.peak_bytes", sum),
                             formula)});
}

/// Parameters spread evenly over all GPUs, as plans like to compute them.
void add_share(const Scenario& scenario, const Claimed& claimed, std::vector<Implication>& all) {
  const auto parameters = claimed.value("model.parameters_total");
  if (!parameters) return;
  const std::int64_t gpus = gpus_required(scenario);
  const double width = bytes_per_element(scenario.job.parameter_type);
  const double share = *parameters / static_cast<double>(gpus) * width;
  all.push_back({"memory.parameters", share,
                 fmt::format("{} parameters ÷ {} × {} bytes are {}", format_count(*parameters),
                             gpus, width, format_figure("memory.parameters", share))});
}

}  // namespace

std::string_view to_string(ClaimState state) {
  switch (state) {
    case ClaimState::holds:
      return "holds";
    case ClaimState::fails:
      return "fails";
    case ClaimState::open:
      return "open";
  }
  return "";
}

std::string format_figure(std::string_view metric, double value) {
  if (is_flag(metric)) return value != 0.0 ? "true" : "false";
  switch (kind_of(metric)) {
    case FigureKind::bytes:
      return format_bytes(Bytes(std::llround(value)));
    case FigureKind::seconds:
      return format_seconds(Seconds(value));
    case FigureKind::fraction:
      return format_percent(value);
    case FigureKind::count:
    case FigureKind::rate:
      break;
  }
  const bool large = std::abs(value) >= 1e6;
  return large ? format_count(value) : fmt::format("{:.6g}", value);
}

std::vector<Claim> judge_claims(const Scenario& scenario, const Feasibility& feasibility,
                                const Figures& figures) {
  std::vector<Claim> claims;
  for (const Expectation& expectation : scenario.expectations) {
    Claim claim{.metric = expectation.metric,
                .claimed = expectation.claim,
                .value = decisive(expectation, figures.find(expectation.metric)),
                .found = figures.find(expectation.metric),
                .error = {},
                .state = ClaimState::open,
                .reason = reason_for(scenario, feasibility, figures, expectation),
                .source = expectation.source};
    if (claim.found) {
      claim.state = holds(expectation, *claim.found) ? ClaimState::holds : ClaimState::fails;
      if (claim.value && *claim.value != 0.0 && !is_flag(claim.metric)) {
        claim.error = *claim.found / *claim.value - 1.0;
      }
    } else if (beyond_peak(scenario, expectation, figures)) {
      claim.state = ClaimState::fails;
    }
    claims.push_back(std::move(claim));
  }
  return claims;
}

std::vector<Identity> judge_identities(const Scenario& scenario) {
  const Claimed claimed(scenario);
  std::vector<Implication> implications;
  add_rates(scenario, claimed, implications);
  add_fraction(scenario, claimed, implications);
  add_sum(claimed, implications);
  add_share(scenario, claimed, implications);
  std::vector<Identity> identities;
  for (const Implication& implication : implications) {
    const auto value = claimed.value(implication.metric);
    if (!value) continue;
    Identity identity{std::string(implication.metric),
                      *value,
                      implication.implied,
                      implication.formula,
                      true,
                      ""};
    identity.holds = std::abs(*value / implication.implied - 1.0) <= closeness;
    if (!identity.holds) {
      identity.reason =
          mix_up(scenario, implication.metric, *value, implication.implied).value_or("");
    }
    identities.push_back(std::move(identity));
  }
  return identities;
}

}  // namespace orrery
