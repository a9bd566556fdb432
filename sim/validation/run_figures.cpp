#include "validation/run_figures.hpp"

#include <algorithm>
#include <string_view>

namespace orrery {

namespace {

std::map<std::string, double, std::less<>> components(const RunFigures& figures) {
  std::map<std::string, double, std::less<>> out;
  for (std::size_t i = 0; i < component_count; ++i) {
    out.emplace(to_string(static_cast<Component>(i)), figures.by_component[i].value());
  }
  out.emplace("bubble", figures.bubble.value());
  return out;
}

bool is_rate(std::string_view metric) {
  return metric == "mfu" || metric == "model_tflops_per_gpu" || metric.ends_with("_per_s") ||
         metric.ends_with("_per_s_per_gpu");
}

/// Of figures that are the step time or so much a step time.
std::map<std::string, Interval, std::less<>> intervals(const Prediction& prediction,
                                                       const StepInterval& step) {
  std::map<std::string, Interval, std::less<>> out;
  for (const auto& [metric, value] : prediction.metrics) {
    if (metric == "step_time_s" || metric == "latency_s") {
      out.emplace(metric, Interval{value * step.low, value * step.high});
    } else if (is_rate(metric)) {
      out.emplace(metric, Interval{value / step.high, value / step.low});
    }
  }
  return out;
}

}  // namespace

RunFigures run_figures(const Program& program, const RunResult& result) {
  RunFigures figures;
  figures.step_time = to_seconds(result.end);
  const auto ranks = static_cast<double>(program.class_of_rank.size());
  for (std::size_t c = 0; c < program.classes.size(); ++c) {
    const auto id = id_at<ClassId>(c);
    const double share = static_cast<double>(program.classes[id].count) / ranks;
    for (std::size_t i = 0; i < component_count; ++i) {
      figures.by_component[i] += share * to_seconds(result.time[id].by_component[i]);
    }
    figures.bubble += share * to_seconds(result.time[id].bubble);
    figures.peak_memory = std::max(figures.peak_memory, result.memory[id].bytes);
    figures.reserved_memory = std::max(figures.reserved_memory, result.memory[id].reserved);
  }
  return figures;
}

Prediction predict(const Scenario& scenario, const RunFigures& figures, MfuConvention convention) {
  const double seconds = figures.step_time.value();
  const auto gpus = static_cast<double>(scenario.gpus);
  const Job& job = scenario.job;
  const double rate = model_flops(scenario.model, job, convention) / seconds / gpus;
  const auto tokens = static_cast<double>(job.global_batch * job.tokens_per_sequence());
  Prediction prediction;
  prediction.components = components(figures);
  prediction.metrics = {
      {"step_time_s", seconds},
      {"latency_s", seconds},
      {"model_tflops_per_gpu", rate * 1e-12},
      {"mfu", rate * gpus / scenario.cluster.peak_of(scenario.gpus, job.precision).value()},
      {"tokens_per_s_per_gpu", tokens / seconds / gpus},
      {"sequences_per_s", static_cast<double>(job.global_batch) / seconds},
      {"peak_memory_bytes", static_cast<double>(figures.peak_memory.value())},
      {"reserved_memory_bytes", static_cast<double>(figures.reserved_memory.value())}};
  prediction.metrics.insert(figures.of_a_layer.begin(), figures.of_a_layer.end());
  prediction.intervals = intervals(prediction, figures.interval);
  return prediction;
}

}  // namespace orrery
