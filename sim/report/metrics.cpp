#include "report/metrics.hpp"

#include "base/units_text.hpp"
#include "report/summary.hpp"
#include "report/table.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <type_traits>

namespace orrery {

namespace {

using enum MetricUnit;

class MetricList {
 public:
  template <typename T>
  void add(std::string_view key, MetricUnit unit, T value) {
    std::string name = prefix_.empty() ? std::string(key) : prefix_ + "." + std::string(key);
    all_.push_back({std::move(name), unit, as_value(value)});
  }
  void begin(std::string_view table) { prefix_ = table; }

  std::vector<MetricValue> take() { return std::move(all_); }

 private:
  static std::variant<bool, std::int64_t, double> as_value(bool value) { return value; }
  static std::variant<bool, std::int64_t, double> as_value(std::int64_t value) { return value; }
  static std::variant<bool, std::int64_t, double> as_value(double value) { return value; }
  static std::variant<bool, std::int64_t, double> as_value(Seconds value) { return value.value(); }
  static std::variant<bool, std::int64_t, double> as_value(Bytes value) { return value.value(); }

  std::string prefix_;
  std::vector<MetricValue> all_;
};

void add_world(const Summary& s, MetricList& list) {
  const Strategy& strategy = s.run.strategy;
  list.begin("strategy");
  list.add("tp", number, strategy.tp);
  list.add("cp", number, strategy.cp);
  list.add("pp", number, strategy.pp);
  list.add("vpp", number, strategy.vpp);
  list.add("ep", number, strategy.ep);
  list.add("etp", number, strategy.etp);
  list.add("dp", number, strategy.dp);
  list.add("world_size", number, strategy.world_size());
  list.begin("");
  list.add("feasible", flag, s.feasible);
  list.add("gpus_required", number, s.run.gpus_required);
  list.add("gpus_available", number, s.run.gpus_available);
}

void add_speed(const Summary& s, MetricList& list) {
  list.add("step_time_s", seconds, s.step_time);
  list.add("latency_s", seconds, s.step_time);
  list.add("tokens_per_s", number, s.speed.tokens_per_s);
  list.add("sequences_per_s", number, s.speed.sequences_per_s);
  list.add("tokens_per_s_per_gpu", number, s.speed.tokens_per_s_per_gpu);
  list.add("model_tflops_per_gpu", tflops, s.speed.model_tflops_per_gpu);
  list.add("mfu", fraction, s.speed.mfu);
  list.add("mfu_causal", fraction, s.speed.mfu_causal);
  list.add("hfu", fraction, s.speed.hfu);
  list.add("gpu_busy_fraction", fraction, s.speed.gpu_busy_fraction);
  list.add("bubble_fraction", fraction, s.speed.bubble_fraction);
  list.add("busy_imbalance", fraction, s.speed.busy_imbalance);
  list.add("expert_imbalance", fraction, s.speed.expert_imbalance);
  list.add("communication_time_s", seconds, s.time.exposed());
}

void add_routing(const Summary& s, MetricList& list) {
  list.begin("routing");
  list.add("imbalance", number, s.routing.imbalance);
  list.add("worst_imbalance", number, s.routing.worst_imbalance);
  list.add("worst_layer", number, s.routing.worst_layer);
  list.add("expert_imbalance", number, s.routing.expert_imbalance);
  list.add("dropped_fraction", fraction, s.routing.dropped_fraction);
  list.add("dropped", number, s.routing.dropped);
  list.add("padded_fraction", fraction, s.routing.padded_fraction);
  list.add("forced_step_time_s", seconds, s.routing.forced_step_time);
  list.add("cost", fraction, s.routing.cost(s.step_time));
}

void add_time(const TimeShares& time, MetricList& list) {
  list.begin("time_s");
  list.add("compute", seconds, time.compute);
  list.add("exposed_tp", seconds, time.exposed_tp);
  list.add("exposed_cp", seconds, time.exposed_cp);
  list.add("exposed_ep", seconds, time.exposed_ep);
  list.add("exposed_pp", seconds, time.exposed_pp);
  list.add("exposed_dp", seconds, time.exposed_dp);
  list.add("bubble", seconds, time.bubble);
  list.add("optimizer", seconds, time.optimizer);
  list.add("other", seconds, time.other);
}

void add_memory(const MemorySummary& memory, MetricList& list) {
  list.begin("memory");
  list.add("capacity_bytes", bytes, memory.capacity);
  list.add("peak_bytes", bytes, memory.peak);
  list.add("peak_fraction", fraction, memory.peak_fraction());
  list.add("reserved_bytes", bytes, memory.reserved);
  list.add("headroom_bytes", bytes, memory.headroom());
  list.add("fits", flag, memory.fits());
  list.add("peak_rank", number, static_cast<std::int64_t>(memory.peak_rank));
  list.add("at_s", seconds, memory.at);
  for (std::size_t i = 0; i < memory_category_count; ++i) {
    list.add(to_string(static_cast<MemoryCategory>(i)), bytes, memory.held[i]);
  }
}

void add_model(const Summary& s, MetricList& list) {
  list.begin("model");
  list.add("parameters_total", number, s.model.parameters_total);
  list.add("parameters_active", number, s.model.parameters_active);
  list.add("expert_bytes", bytes, s.model.expert_bytes);
  list.add("attention_bytes", bytes, s.model.attention_bytes);
  list.begin("division");
  list.add("layers_per_rank", number, s.share.layers);
  list.add("experts_per_rank", number, s.share.experts);
  list.add("expert_instances", number, s.share.expert_instances);
  list.add("hidden_columns", number, s.share.hidden_columns);
  list.add("ffn_columns", number, s.share.ffn_columns);
  list.add("heads_per_rank", number, s.share.heads);
  list.add("sequences_per_rank", number, s.share.sequences);
  list.add("sequences_per_replica", number, s.share.sequences_per_replica);
  list.add("micro_batches", number, s.run.micro_batches);
  list.add("parameters_per_rank", number, s.share.parameters);
}

void add_price(const Price& price, MetricList& list) {
  if (!price.known()) return;
  list.begin("cost");
  list.add("usd_per_hour", number, price.per_hour);
  list.add("usd_per_step", number, price.per_step);
  list.add("usd_per_million_tokens", number, price.per_million_tokens);
}

void add_simulation(const SimulationFacts& simulation, MetricList& list) {
  list.begin("simulation");
  list.add("wall_s", seconds, simulation.cost.wall_s);
  list.add("events", number, static_cast<std::int64_t>(simulation.events));
  list.add("classes", number, simulation.classes);
  list.add("ranks", number, simulation.ranks);
  list.add("peak_rss_bytes", bytes, simulation.cost.peak_rss_bytes);
}

/// Not in the JSON under these names: there they are an array.
void add_links(const std::vector<LinkSummary>& links, MetricList& list) {
  for (const LinkSummary& link : links) {
    list.begin("links." + link.kind);
    list.add("mean_utilization", fraction, link.mean_utilization);
    list.add("peak_utilization", fraction, link.peak_utilization);
    list.add("average_utilization", fraction, link.average_utilization);
  }
}

struct Alias {
  std::string_view name;
  std::string_view metric;
};
constexpr std::array aliases = {
    Alias{"world_size", "strategy.world_size"},
    Alias{"fits", "memory.fits"},
    Alias{"peak_memory", "memory.peak_bytes"},
    Alias{"peak_memory_bytes", "memory.peak_bytes"},
    Alias{"time_s.communication", "communication_time_s"},
    Alias{"time.communication", "communication_time_s"},
    Alias{"utilization", "gpu_busy_fraction"},
    Alias{"utilisation", "gpu_busy_fraction"},
};

/// "step_time" for "step_time_s", "time.bubble" for "time_s.bubble".
std::string without_unit(std::string_view name) {
  std::string bare(name);
  if (bare.starts_with("time_s.")) bare.erase(4, 2);
  for (const std::string_view suffix : {"_bytes", "_s"}) {
    if (bare.ends_with(suffix) && !bare.ends_with("_per_s")) {
      bare.resize(bare.size() - suffix.size());
    }
  }
  return bare;
}

std::string format_number(double value) {
  if (std::abs(value) >= 1e7) return format_count(value);
  if (value == std::floor(value)) return group_digits(std::llround(value));
  if (std::abs(value) >= 1000.0) return group_digits(std::llround(value));
  return fmt::format("{:#.4g}", value);
}

}  // namespace

double MetricValue::number() const {
  return std::visit([](auto v) { return static_cast<double>(v); }, value);
}

std::vector<MetricValue> metric_values(const Summary& summary) {
  MetricList list;
  add_world(summary, list);
  add_speed(summary, list);
  add_routing(summary, list);
  add_time(summary.time, list);
  add_memory(summary.memory, list);
  add_model(summary, list);
  add_price(summary.price, list);
  add_simulation(summary.simulation, list);
  add_links(summary.links, list);
  return list.take();
}

std::optional<MetricValue> find_metric(const Summary& summary, std::string_view name) {
  for (const Alias& alias : aliases) {
    if (alias.name == name) name = alias.metric;
  }
  for (MetricValue& metric : metric_values(summary)) {
    if (metric.name == name || without_unit(metric.name) == name) return std::move(metric);
  }
  return std::nullopt;
}

std::vector<std::string> metric_names(const Summary& summary) {
  std::vector<std::string> names;
  for (MetricValue& metric : metric_values(summary)) names.push_back(std::move(metric.name));
  return names;
}

std::string format_metric(MetricUnit unit, double value) {
  switch (unit) {
    case seconds:
      return format_seconds(Seconds(value));
    case bytes:
      return format_bytes(Bytes(std::llround(value)));
    case bytes_per_second:
      return format_rate(BytesPerSecond(value));
    case fraction:
      return format_percent(value);
    case tflops:
      return format_flops_rate(FlopsPerSecond(value * 1e12));
    case flag:
      return value != 0.0 ? "yes" : "no";
    case number:
      break;
  }
  return format_number(value);
}

std::string format_metric(const MetricValue& metric) {
  return format_metric(metric.unit, metric.number());
}

}  // namespace orrery
