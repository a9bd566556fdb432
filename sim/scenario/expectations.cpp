#include "scenario/expectations.hpp"

#include "base/units_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace orrery {

namespace {

using enum MetricUnit;

constexpr std::array all_metrics = {
    Metric{"feasible", flag},
    Metric{"gpus_required", number},
    Metric{"gpus_available", number},
    Metric{"step_time_s", seconds},
    Metric{"latency_s", seconds},
    Metric{"tokens_per_s", number},
    Metric{"sequences_per_s", number},
    Metric{"tokens_per_s_per_gpu", number},
    Metric{"model_tflops_per_gpu", tflops},
    Metric{"mfu", fraction},
    Metric{"hfu", fraction},
    Metric{"gpu_busy_fraction", fraction},
    Metric{"bubble_fraction", fraction},
    Metric{"mfu_causal", fraction},
    Metric{"busy_imbalance", fraction},
    Metric{"communication_time_s", seconds},
    Metric{"strategy.tp", number},
    Metric{"strategy.cp", number},
    Metric{"strategy.pp", number},
    Metric{"strategy.vpp", number},
    Metric{"strategy.ep", number},
    Metric{"strategy.etp", number},
    Metric{"strategy.dp", number},
    Metric{"strategy.world_size", number},
    Metric{"time_s.compute", seconds},
    Metric{"time_s.exposed_tp", seconds},
    Metric{"time_s.exposed_cp", seconds},
    Metric{"time_s.exposed_ep", seconds},
    Metric{"time_s.exposed_pp", seconds},
    Metric{"time_s.exposed_dp", seconds},
    Metric{"time_s.bubble", seconds},
    Metric{"time_s.optimizer", seconds},
    Metric{"time_s.other", seconds},
    Metric{"memory.capacity_bytes", bytes},
    Metric{"memory.peak_bytes", bytes},
    Metric{"memory.peak_rank", number},
    Metric{"memory.at_s", seconds},
    Metric{"memory.parameters", bytes},
    Metric{"memory.gradients", bytes},
    Metric{"memory.optimizer", bytes},
    Metric{"memory.activations", bytes},
    Metric{"memory.kv_cache", bytes},
    Metric{"memory.workspace", bytes},
    Metric{"memory.communication", bytes},
    Metric{"memory.overhead", bytes},
    Metric{"time_s.communication", seconds},
    Metric{"memory.peak_fraction", fraction},
    Metric{"memory.headroom_bytes", bytes},
    Metric{"memory.reserved_bytes", bytes},
    Metric{"memory.fits", flag},
    Metric{"expert_imbalance", fraction},
    Metric{"routing.imbalance", number},
    Metric{"routing.worst_imbalance", number},
    Metric{"routing.worst_layer", number},
    Metric{"routing.expert_imbalance", number},
    Metric{"routing.dropped_fraction", fraction},
    Metric{"routing.dropped", number},
    Metric{"routing.padded_fraction", fraction},
    Metric{"routing.forced_step_time_s", seconds},
    Metric{"routing.cost", fraction},
    Metric{"model.parameters_total", number},
    Metric{"model.parameters_active", number},
    Metric{"model.expert_bytes", bytes},
    Metric{"model.attention_bytes", bytes},
    Metric{"division.layers_per_rank", number},
    Metric{"division.experts_per_rank", number},
    Metric{"division.expert_instances", number},
    Metric{"division.hidden_columns", number},
    Metric{"division.heads_per_rank", number},
    Metric{"division.sequences_per_rank", number},
    Metric{"division.sequences_per_replica", number},
    Metric{"division.ffn_columns", number},
    Metric{"division.micro_batches", number},
    Metric{"division.parameters_per_rank", number},
    Metric{"cost.usd_per_hour", number},
    Metric{"cost.usd_per_step", number},
    Metric{"cost.usd_per_million_tokens", number},
    Metric{"simulation.events", number},
    Metric{"simulation.classes", number},
    Metric{"simulation.ranks", number},
};

/// "links.nic.mean_utilization": kinds of links are as many as clusters draw.
constexpr Metric link_utilization{"links", fraction};

/// Other spellings of a metric, besides leaving its unit out.
struct Alias {
  std::string_view name;
  std::string_view metric;
};
constexpr std::array aliases = {
    Alias{"world_size", "strategy.world_size"}, Alias{"fits", "memory.fits"},
    Alias{"utilization", "gpu_busy_fraction"},  Alias{"utilisation", "gpu_busy_fraction"},
    Alias{"peak_memory", "memory.peak_bytes"},  Alias{"peak_memory_bytes", "memory.peak_bytes"},
};

/// Words that may follow a count, as reports write them.
constexpr std::array<std::string_view, 9> count_units = {"tokens/s",  "tokens/s/GPU", "tok/s",
                                                         "tok/s/GPU", "sequences/s",  "samples/s",
                                                         "GPUs",      "GPU",          "ranks"};

std::string without_unit(std::string_view name) {
  std::string bare(name);
  if (bare.starts_with("time_s.")) bare.erase(4, 2);
  for (const std::string_view suffix : {"_bytes", "_s"}) {
    const bool rate = bare.ends_with("_per_s");
    if (bare.ends_with(suffix) && !rate) bare.resize(bare.size() - suffix.size());
  }
  return bare;
}

/// "1,024 tokens/s" has no commas here: a number and perhaps a word of count_units.
Parsed<double> parse_count(std::string_view text) {
  double value = 0.0;
  const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view unit = text.substr(static_cast<std::size_t>(rest - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  const bool known = unit.empty() || std::ranges::find(count_units, unit) != count_units.end();
  if (failure == std::errc{} && known && std::isfinite(value)) return value;
  return UnitsError{
      fmt::format("'{}' is no count; wanted a number, as in 64 or \"13500 tokens/s\"", text)};
}

template <typename Q>
Parsed<double> as_number(const Parsed<Q>& parsed) {
  if (const auto* error = std::get_if<UnitsError>(&parsed)) return *error;
  return static_cast<double>(std::get<Q>(parsed).value());
}

Parsed<double> parse_in(MetricUnit unit, std::string_view text) {
  switch (unit) {
    case seconds:
      return as_number(parse_seconds(text));
    case bytes:
      return as_number(parse_bytes(text));
    case bytes_per_second:
      return as_number(parse_bytes_per_second(text));
    case fraction:
      return parse_percent(text);
    case tflops: {
      const Parsed<double> rate = as_number(parse_flops_per_second(text));
      if (const auto* value = std::get_if<double>(&rate)) return *value * 1e-12;
      return rate;
    }
    case number:
    case flag:
      return parse_count(text);
  }
  return UnitsError{"no unit"};
}

/// What a bare number may stand for: a metric without dimension, or one whose name carries the
/// unit.
bool takes_bare_numbers(const Metric& metric, std::string_view written) {
  return metric.unit == number || metric.unit == fraction || metric.unit == tflops ||
         (written == metric.name && written != without_unit(metric.name));
}

std::string_view example(MetricUnit unit) {
  switch (unit) {
    case seconds:
      return "a text with its unit, such as \"401.94 ms\"";
    case bytes:
      return "a text with its unit, such as \"72.5 GB\"";
    case bytes_per_second:
      return "a text with its unit, such as \"400 Gb/s\"";
    case fraction:
      return "a percentage, such as \"41 %\", or a number, such as 0.41";
    case tflops:
      return "a rate such as \"612 TFLOP/s\", or the number of TFLOP/s";
    case number:
      return "a number";
    case flag:
      return "true or false";
  }
  return "";
}

class ExpectationReader {
 public:
  ExpectationReader(const Settings& settings, std::string written)
      : settings_(settings), written_(std::move(written)), metric_(find_metric(written_)) {}

  Expectation read() {
    Expectation expectation;
    const bool named = metric_ != nullptr && metric_ != &link_utilization;
    expectation.metric = named ? std::string(metric_->name) : written_;
    expectation.value = value("value");
    expectation.at_most = value("at_most");
    expectation.at_least = value("at_least");
    expectation.claim = claim_;
    expectation.tolerance = tolerance();
    expectation.source = settings_.text("source").value_or("");
    expectation.note = settings_.text("note").value_or("");
    expectation.position = settings_.position("metric");
    complain(expectation);
    return expectation;
  }

 private:
  std::optional<double> value(std::string_view key) {
    const SettingsNode* node = settings_.node(key);
    if (node == nullptr || metric_ == nullptr) return std::nullopt;
    if (const auto* text = std::get_if<std::string>(&node->value)) return parsed(key, *text);
    if (const auto* is = std::get_if<bool>(&node->value); is != nullptr && metric_->unit == flag) {
      add_claim(key, *is ? "true" : "false");
      return *is ? 1.0 : 0.0;
    }
    const bool bare = takes_bare_numbers(*metric_, written_);
    const bool numeric = std::holds_alternative<std::int64_t>(node->value) ||
                         std::holds_alternative<double>(node->value);
    if (bare && numeric) {
      const std::optional<double> number_found = settings_.number(key);
      if (number_found) add_claim(key, fmt::format("{}", *number_found));
      return number_found;
    }
    settings_.error(key, fmt::format("{} is {}; wanted {}", settings_.full_name(key),
                                     describe(*node), example(metric_->unit)));
    return std::nullopt;
  }

  std::optional<double> parsed(std::string_view key, const std::string& text) {
    const Parsed<double> result = parse_in(metric_->unit, text);
    if (const auto* error = std::get_if<UnitsError>(&result)) {
      settings_.error(key, fmt::format("{}: {}", settings_.full_name(key), error->message));
      return std::nullopt;
    }
    add_claim(key, text);
    return std::get<double>(result);
  }

  std::optional<double> tolerance() const {
    const SettingsNode* node = settings_.node("tolerance");
    if (node == nullptr) return std::nullopt;
    const bool text = std::holds_alternative<std::string>(node->value);
    const auto found = text ? settings_.percent("tolerance") : settings_.number("tolerance");
    if (!found || *found >= 0.0) return found;
    settings_.error("tolerance",
                    fmt::format("{} = {} is negative", settings_.full_name("tolerance"), *found));
    return std::nullopt;
  }

  void add_claim(std::string_view key, std::string_view text) {
    if (!claim_.empty()) claim_ += ", ";
    if (key == "at_most") claim_ += "at most ";
    if (key == "at_least") claim_ += "at least ";
    claim_ += text;
  }

  void complain(const Expectation& expectation) const {
    if (written_.empty()) return;  // said when it was read
    if (metric_ == nullptr) {
      std::vector<std::string> names;
      for (const Metric& metric : metrics()) names.push_back(without_unit(metric.name));
      settings_.error("metric",
                      fmt::format("there is no metric '{}'; wanted a key of the results, as "
                                  "step_time or memory.peak{}",
                                  written_, did_you_mean(written_, names)));
      return;
    }
    const bool value_given = settings_.has("value");
    const bool bound_given = settings_.has("at_most") || settings_.has("at_least");
    if (value_given == bound_given) {
      settings_.error("metric",
                      fmt::format("an expectation of {} needs either value or at_most and "
                                  "at_least",
                                  written_));
    }
    if (expectation.tolerance && !value_given) {
      settings_.error("tolerance", "a tolerance belongs to a value; bounds have none");
    }
  }

  const Settings& settings_;
  std::string written_;
  const Metric* metric_;
  std::string claim_;
};

}  // namespace

std::span<const Metric> metrics() { return all_metrics; }

const Metric* find_metric(std::string_view name) {
  for (const Alias& alias : aliases) {
    if (alias.name == name) name = alias.metric;
  }
  for (const Metric& metric : all_metrics) {
    if (metric.name == name || without_unit(metric.name) == name) return &metric;
  }
  const bool of_links = name.starts_with("links.") && name.ends_with("_utilization");
  return of_links ? &link_utilization : nullptr;
}

std::vector<Expectation> read_expectations(const Settings& scenario, std::string_view key) {
  std::vector<Expectation> expectations;
  for (const Settings& settings : scenario.tables(key)) {
    expectations.push_back(ExpectationReader(settings, settings.required_text("metric")).read());
  }
  return expectations;
}

FigureKind figure_kind(MetricUnit unit, std::string_view metric) {
  switch (unit) {
    case MetricUnit::bytes:
      return FigureKind::bytes;
    case MetricUnit::seconds:
      return FigureKind::seconds;
    case MetricUnit::fraction:
      return FigureKind::fraction;
    case MetricUnit::bytes_per_second:
    case MetricUnit::tflops:
      return FigureKind::rate;
    case MetricUnit::number:
    case MetricUnit::flag:
      break;
  }
  return metric.find("per_s") == std::string_view::npos ? FigureKind::count : FigureKind::rate;
}

}  // namespace orrery
