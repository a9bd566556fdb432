#include "search/forecast.hpp"

#include <fmt/format.h>

namespace orrery {

Forecast forecast_of(const Summary& summary) {
  return {.step_time = summary.step_time,
          .held = summary.memory.held,
          .peak = summary.memory.peak,
          .tokens_per_s = summary.speed.tokens_per_s,
          .sequences_per_s = summary.speed.sequences_per_s,
          .busy_fraction = summary.speed.gpu_busy_fraction,
          .communication = summary.time.exposed(),
          .expert_imbalance = summary.speed.expert_imbalance};
}

void add_forecast(const Forecast& forecast, Figures& figures) {
  figures.set("step_time_s", forecast.step_time.value());
  figures.set("tokens_per_s", forecast.tokens_per_s);
  figures.set("sequences_per_s", forecast.sequences_per_s);
  figures.set("gpu_busy_fraction", forecast.busy_fraction);
  figures.set("time_s.communication", forecast.communication.value());
  figures.set("expert_imbalance", forecast.expert_imbalance);
  figures.set("memory.peak_bytes", static_cast<double>(forecast.peak.value()));
  const std::optional<double> capacity = figures.find("memory.capacity_bytes");
  if (capacity) {
    figures.set("memory.peak_fraction", static_cast<double>(forecast.peak.value()) / *capacity);
  }
  for (std::size_t i = 0; i < memory_category_count; ++i) {
    figures.set(fmt::format("memory.{}", to_string(static_cast<MemoryCategory>(i))),
                static_cast<double>(forecast.held[i].value()));
  }
}

}  // namespace orrery
