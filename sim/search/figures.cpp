#include "search/figures.hpp"

#include "report/figures.hpp"
#include "scenario/validate.hpp"
#include "search/links.hpp"

#include <fmt/format.h>

namespace orrery {

namespace {

void set_world(const Scenario& scenario, const Feasibility& feasibility, Figures& figures) {
  const Strategy& s = scenario.strategy;
  const std::pair<std::string_view, std::int64_t> degrees[] = {
      {"tp", s.tp}, {"cp", s.cp},   {"pp", s.pp}, {"vpp", s.vpp},
      {"ep", s.ep}, {"etp", s.etp}, {"dp", s.dp}, {"world_size", s.world_size()}};
  for (const auto& [name, degree] : degrees) {
    figures.set(fmt::format("strategy.{}", name), static_cast<double>(degree));
  }
  figures.set("gpus_required", static_cast<double>(gpus_required(scenario)));
  figures.set("gpus_available", static_cast<double>(gpus_available(scenario)));
  figures.set("feasible", feasibility.feasible() ? 1.0 : 0.0);
}

void set_model(const Scenario& scenario, Figures& figures) {
  const ParameterCount count = count_parameters(scenario.model);
  const double width = bytes_per_element(scenario.job.parameter_type);
  const auto layers = static_cast<double>(scenario.model.layers);
  const auto expert_layers = static_cast<double>(scenario.model.expert_layer_count());
  figures.set("model.parameters_total", count.total);
  figures.set("model.parameters_active", count.active);
  figures.set("model.expert_bytes", count.experts_per_layer * expert_layers * width);
  figures.set("model.attention_bytes", count.attention_per_layer * layers * width);
}

void set_division(const Division& division, Figures& figures) {
  const std::pair<std::string_view, std::int64_t> parts[] = {
      {"layers_per_rank", division.layers_per_rank},
      {"experts_per_rank", division.experts_per_rank},
      {"expert_instances", division.expert_instances},
      {"hidden_columns", division.hidden_columns},
      {"heads_per_rank", division.heads_per_rank},
      {"sequences_per_rank", division.sequences_per_rank},
      {"sequences_per_replica", division.sequences_per_replica}};
  for (const auto& [name, count] : parts) {
    figures.set(fmt::format("division.{}", name), static_cast<double>(count));
  }
}

void set_memory(const Scenario& scenario, const StageMemory& memory, Figures& figures) {
  for (std::size_t i = 0; i < memory_category_count; ++i) {
    figures.set(fmt::format("memory.{}", to_string(static_cast<MemoryCategory>(i))),
                static_cast<double>(memory.held[i].value()));
  }
  figures.set("memory.peak_bytes", static_cast<double>(memory.total.value()));
  const Bytes capacity = memory_capacities(scenario)[static_cast<std::size_t>(memory.stage)];
  figures.set("memory.capacity_bytes", static_cast<double>(capacity.value()));
  figures.set("memory.peak_fraction", memory.total / capacity);
}

}  // namespace

std::optional<double> Figures::find(std::string_view name) const {
  auto found = values_.find(name);
  if (found == values_.end() && name == "latency_s") found = values_.find("step_time_s");
  if (found == values_.end() && name == "step_time_s") found = values_.find("latency_s");
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

Figures arithmetic_figures(const Scenario& scenario, const Feasibility& feasibility) {
  Figures figures;
  set_world(scenario, feasibility, figures);
  set_model(scenario, figures);
  if (feasibility.division) set_division(*feasibility.division, figures);
  if (!feasibility.memory.empty()) {
    set_memory(scenario, tightest(feasibility.memory, memory_capacities(scenario)), figures);
  }
  if (feasibility.plan) {
    figures.set("expert_imbalance", routing_summary(*feasibility.plan).imbalance - 1.0);
    figures.set("step_time_floor_s", least_computing(scenario, *feasibility.plan).value());
  }
  return figures;
}

}  // namespace orrery
