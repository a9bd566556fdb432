#include "scenario/normalise.hpp"

#include "scenario/toml_text.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace orrery {

namespace {

/// Lines `key = value` of one table.
class Lines {
 public:
  void text(std::string_view key, std::string_view value) { line(key, toml_quoted(value)); }
  void integer(std::string_view key, std::int64_t value) { line(key, fmt::format("{}", value)); }
  void number(std::string_view key, double value) { line(key, toml_number(value)); }
  void flag(std::string_view key, bool value) { line(key, value ? "true" : "false"); }
  void texts(std::string_view key, const std::vector<std::string>& values) {
    std::string items;
    for (const std::string& value : values) {
      items += (items.empty() ? "" : ", ") + toml_quoted(value);
    }
    line(key, fmt::format("[{}]", items));
  }
  void header(std::string_view name) { text_ += fmt::format("\n{}\n", name); }
  std::string take() { return std::move(text_); }

 private:
  void line(std::string_view key, std::string_view value) {
    text_ += fmt::format("{} = {}\n", key, value);
  }
  std::string text_;
};

std::string_view name_of(JobKind kind) {
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

std::string_view name_of(Optimizer optimizer) {
  switch (optimizer) {
    case Optimizer::none:
      return "none";
    case Optimizer::sgd:
      return "sgd";
    case Optimizer::adam:
      return "adam";
  }
  return "";
}

std::string_view name_of(Recompute recompute) {
  switch (recompute) {
    case Recompute::none:
      return "none";
    case Recompute::selective:
      return "selective";
    case Recompute::full:
      return "full";
  }
  return "";
}

void write_low_precision(const LowPrecision& low, Lines& lines) {
  if (!low.casts()) return;
  if (low.recipe != Fp8Recipe::nvfp4) lines.text("fp8_recipe", to_string(low.recipe));
  lines.flag("fp8_param_gather", low.param_gather);
  if (low.bf16_layers_at_start + low.bf16_layers_at_end == 0) return;
  lines.flag("first_last_layers_bf16", true);
  lines.integer("num_layers_at_start_in_bf16", low.bf16_layers_at_start);
  lines.integer("num_layers_at_end_in_bf16", low.bf16_layers_at_end);
}

void write_routing(const Routing& routing, Lines& lines) {
  lines.text("kind", to_string(routing.kind));
  if (routing.kind == RoutingKind::zipf) lines.number("exponent", routing.exponent);
  if (routing.kind == RoutingKind::dirichlet) {
    lines.number("concentration", routing.concentration);
  }
  if (routing.seed_given) lines.integer("seed", static_cast<std::int64_t>(routing.seed));
  if (routing.kind == RoutingKind::trace) lines.text("trace", routing.trace_path);
  if (routing.trace_step) lines.integer("trace_step", *routing.trace_step);
  lines.number("capacity_factor", routing.capacity_factor);
  if (routing.pad_to_capacity) lines.flag("pad_to_capacity", true);
}

void write_job(const Job& job, Lines& lines) {
  lines.header("[workload]");
  lines.text("kind", name_of(job.kind));
  lines.integer("sequence_length", job.sequence_length);
  lines.integer("global_batch", job.global_batch);
  lines.integer("micro_batch", job.micro_batch);
  lines.integer("context_length", job.context_length);
  lines.text("precision", to_string(job.precision));
  write_low_precision(job.low_precision, lines);
  lines.text("parameter_type", to_string(job.parameter_type));
  lines.text("gradient_type", to_string(job.gradient_type));
  lines.text("optimizer", name_of(job.optimizer));
  lines.text("optimizer_state_type", to_string(job.optimizer_state_type));
  if (bytes_per_element(job.dispatch_type) < activation_element_bytes(job)) {
    lines.text("dispatch_type", to_string(job.dispatch_type));
  }
  lines.flag("master_weights", job.master_weights);
  lines.header("[workload.routing]");
  write_routing(job.routing, lines);
}

void write_strategy(const Strategy& s, Lines& lines) {
  lines.header("[strategy]");
  lines.integer("tp", s.tp);
  lines.flag("sp", s.sp);
  lines.integer("cp", s.cp);
  lines.text("cp_comm_type", s.cp_comm_type);
  lines.integer("pp", s.pp);
  lines.integer("vpp", s.vpp);
  lines.integer("ep", s.ep);
  lines.integer("etp", s.etp);
  lines.integer("dp", s.dp);
  lines.text("schedule", s.schedule);
  lines.integer("zero", s.zero);
  lines.integer("dp_replicate", s.dp_replicate);
  if (s.zero >= 2) {
    lines.integer("fsdp_unit_layers", s.fsdp_unit_layers);
    lines.flag("no_sync", s.defers_reduction());
  }
  if (s.zero == 3) {
    lines.integer("fsdp_prefetch", s.fsdp_prefetch);
    lines.flag("reshard_after_forward", s.reshards_after_forward());
  }
  lines.text("recompute", name_of(s.recompute));
  if (!s.recompute_modules.empty()) lines.texts("recompute_modules", s.recompute_modules);
  if (s.recompute_layers > 0) lines.integer("recompute_layers", s.recompute_layers);
  lines.texts("overlap", s.overlap);
  if (s.delay_wgrad) lines.flag("delay_wgrad", true);
  lines.text("dispatcher", s.dispatcher);
  if (s.redundant_experts > 0) lines.integer("redundant_experts", s.redundant_experts);
  if (s.expert_placement == ExpertPlacement::balanced) {
    lines.text("expert_placement", "balanced");
  }
  lines.text("cuda_graph", s.cuda_graph);
  lines.texts("offload", s.offload);
  if (s.offload_layers > 0) lines.integer("offload_layers", s.offload_layers);
  lines.text("order", s.order);
}

void write_counts(std::string_view key, const std::vector<std::int64_t>& counts,
                  std::string& text) {
  if (counts.empty()) return;
  text += fmt::format("{} = [{}]\n", key, fmt::join(counts, ", "));
}

void write_fidelity(const Fidelity& fidelity, Lines& lines) {
  lines.header("[fidelity]");
  lines.text("network", fidelity.network == NetworkKind::fair_share ? "fair_share" : "alpha_beta");
  lines.text("fold", fidelity.fold ? "on" : "off");
  lines.text("interference", fidelity.interference ? "on" : "off");
  lines.text("steps", fidelity.explicit_steps ? "explicit" : "bundled");
  lines.text("kernel_times", fidelity.kernel_times);
  lines.text("allocator", fidelity.allocator);
}

void write_failed_gpu(const FailedGpu& failed, Lines& lines) {
  lines.header("[[fault]]");
  lines.text("kind", "failed_gpu");
  if (failed.rank) {
    lines.integer("rank", *failed.rank);
  } else if (failed.place) {
    lines.text("gpu", fmt::format("node[{}].gpu[{}]", failed.node.value_or(0), *failed.place));
  } else {
    lines.integer("node", failed.node.value_or(0));
  }
}

void write_jitter(const Jitter& jitter, Lines& lines) {
  lines.header("[[fault]]");
  lines.text("kind", "jitter");
  lines.text("distribution", jitter.distribution == Distribution::normal ? "normal" : "uniform");
  lines.text("spread", fmt::format("{} %", 100.0 * jitter.spread));
  lines.integer("seed", static_cast<std::int64_t>(jitter.seed));
}

void write_faults(const Scenario& scenario, Lines& lines) {
  for (const Straggler& straggler : scenario.stragglers) {
    lines.header("[[fault]]");
    lines.text("kind", "straggler");
    lines.integer("rank", straggler.rank);
    lines.number("slowdown", straggler.slowdown);
  }
  for (const SlowNode& slow : scenario.slow_nodes) {
    lines.header("[[fault]]");
    lines.text("kind", "slow_node");
    lines.integer("node", slow.node);
    lines.number("slowdown", slow.slowdown);
  }
  for (const FailedGpu& failed : scenario.failed_gpus) write_failed_gpu(failed, lines);
  if (scenario.jitter) write_jitter(*scenario.jitter, lines);
  for (const LinkFault& fault : scenario.link_faults) {
    const bool failed = fault.capacity_factor <= 0.0;
    lines.header("[[fault]]");
    lines.text("kind", failed ? "failed_link" : "degraded_link");
    lines.text("link", fault.link);
    if (!failed) lines.number("capacity_factor", fault.capacity_factor);
  }
}

}  // namespace

std::string normalised_text(const Scenario& scenario, const SourceTrees& trees) {
  Lines head;
  head.text("name", scenario.name);
  if (!scenario.description.empty()) head.text("description", scenario.description);
  head.integer("gpus", scenario.gpus);
  head.integer("seed", static_cast<std::int64_t>(scenario.seed));
  std::string text = head.take();

  Lines body;
  write_job(scenario.job, body);
  write_strategy(scenario.strategy, body);
  text += body.take();
  write_counts("hierarchical_context_parallel_sizes",
               scenario.strategy.hierarchical_context_parallel_sizes, text);
  if (!scenario.strategy.layout.empty()) {
    text += fmt::format("layout = \"{}\"\n", scenario.strategy.layout_text);
  }
  write_counts("replica_batch", scenario.strategy.replica_batch, text);
  write_counts("stage_layers", scenario.strategy.stage_layers, text);
  write_fidelity(scenario.fidelity, body);
  write_faults(scenario, body);
  text += body.take();

  SettingsNode cluster = trees.cluster;
  if (SettingsNode* gpu = cluster.find("gpu")) *gpu = trees.gpu;
  text += "\n[model]\n" + to_toml(trees.model, "model");
  text += "\n[cluster]\n" + to_toml(cluster, "cluster");
  text += "\n[software]\n" + to_toml(trees.software, "software");
  if (const SettingsNode* expectations = trees.scenario.find("expect")) {
    SettingsNode alone{SettingsTable{}, {}, {}};
    alone.set("expect", *expectations);
    text += to_toml(alone, "");
  }
  return text;
}

}  // namespace orrery
