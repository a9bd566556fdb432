#include "search/launch.hpp"

#include "search/feasibility.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace orrery {

namespace {

/// What a run may stray from its forecast before somebody should look.
constexpr double to_spare = 0.1;

class Line {
 public:
  explicit Line(std::string head) : text_(std::move(head)) {}

  void flag(std::string_view name) { text_ += fmt::format(" \\\n  {}", name); }
  void integer(std::string_view name, std::int64_t value) {
    text_ += fmt::format(" \\\n  {} {}", name, value);
  }
  void text(std::string_view name, std::string_view value) {
    text_ += fmt::format(" \\\n  {} {}", name, value);
  }
  void unless_one(std::string_view name, std::int64_t value) {
    if (value != 1) integer(name, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string torchrun(const Scenario& scenario, std::string_view program) {
  const std::int64_t gpus = scenario.strategy.world_size();
  const std::int64_t per_node = std::min(gpus, scenario.cluster.gpus_per_node);
  return fmt::format("torchrun --nnodes={} --nproc-per-node={} {}",
                     (gpus + per_node - 1) / per_node, per_node, program);
}

/// DeepEP and Hybrid-EP are backends of the flexible dispatcher.
std::string dispatcher_flags(const std::string& dispatcher) {
  const bool flexible = dispatcher == "deepep" || dispatcher == "hybridep";
  if (!flexible) return "--moe-token-dispatcher-type " + dispatcher;
  return "--moe-token-dispatcher-type flex --moe-flex-dispatcher-backend " + dispatcher;
}

void add_megatron_model(const Model& model, const std::string& dispatcher, Line& line) {
  line.integer("--num-layers", model.layers);
  line.integer("--hidden-size", model.hidden);
  line.integer("--ffn-hidden-size", model.experts ? model.experts->expert_ffn : model.ffn);
  line.integer("--num-attention-heads", model.attention.heads);
  if (model.gated_ffn) line.flag("--swiglu");
  if (model.experts) {
    line.integer("--num-experts", model.experts->experts);
    line.integer("--moe-router-topk", model.experts->top_k);
    line.flag("--moe-grouped-gemm");
    if (model.experts->groups > 1) {
      line.integer("--moe-router-num-groups", model.experts->groups);
      line.integer("--moe-router-group-topk", model.experts->top_groups);
    }
    line.flag(dispatcher_flags(dispatcher));
  }
}

/// Megatron-LM's names of the modules that it can recompute.
std::string selective_flags(const std::vector<std::string>& modules) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> names = {
      {{"attention_core", "core_attn"},
       {"norm", "layernorm"},
       {"ffn", "mlp"},
       {"mla_up_proj", "mla_up_proj"},
       {"moe_activation", "moe_act"},
       {"moe", "moe"}}};
  std::string flags = "--recompute-granularity selective --recompute-modules";
  for (const auto& [ours, theirs] : names) {
    if (std::ranges::find(modules, ours) != modules.end()) flags += fmt::format(" {}", theirs);
  }
  return flags;
}

void add_megatron_memory(const Scenario& scenario, Line& line) {
  const Strategy& s = scenario.strategy;
  if (s.zero > 0) line.flag("--use-distributed-optimizer");
  if (s.zero > 1) {
    line.flag("--use-megatron-fsdp");
    line.flag(s.zero == 2 ? "--data-parallel-sharding-strategy optim_grads"
                          : "--data-parallel-sharding-strategy optim_grads_params");
  }
  line.unless_one("--num-distributed-optimizer-instances", s.dp_replicate);
  if (s.recompute == Recompute::full) {
    line.flag("--recompute-granularity full --recompute-method uniform --recompute-num-layers 1");
  }
  if (s.recompute == Recompute::selective) line.flag(selective_flags(s.recompute_modules));
  if (s.offloads("optimizer")) {
    line.flag("--optimizer-cpu-offload --optimizer-offload-fraction 1.0");
  }
  if (s.offloads("activations")) {
    const auto layers = layers_per_virtual_stage(scenario.model, s);
    const std::int64_t all = std::max<std::int64_t>(0, std::ranges::max(layers) - 1);
    line.integer("--cpu-offloading-num-layers", s.offload_layers > 0 ? s.offload_layers : all);
  }
  const NumberType precision = scenario.job.precision;
  if (precision == NumberType::bf16) line.flag("--bf16");
  if (precision == NumberType::fp16) line.flag("--fp16");
}

void add_megatron_context(const Strategy& s, Line& line) {
  if (s.cp == 1 || s.cp_comm_type == "p2p") return;
  line.text("--cp-comm-type", s.cp_comm_type);
  if (s.cp_comm_type != "a2a+p2p") return;
  line.text("--hierarchical-context-parallel-sizes",
            fmt::format("{}", fmt::join(s.hierarchical_context_parallel_sizes, " ")));
}

std::string megatron(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  Line line(torchrun(scenario, "pretrain_gpt.py"));
  line.integer("--tensor-model-parallel-size", s.tp);
  if (s.sp) line.flag("--sequence-parallel");
  line.integer("--pipeline-model-parallel-size", s.pp);
  if (!s.layout.empty()) {
    line.flag(fmt::format("--pipeline-model-parallel-layout \"{}\"", s.layout_text));
  } else if (s.vpp > 1) {
    line.integer("--num-layers-per-virtual-pipeline-stage", scenario.model.layers / (s.pp * s.vpp));
  }
  line.unless_one("--context-parallel-size", s.cp);
  add_megatron_context(s, line);
  line.unless_one("--expert-model-parallel-size", s.ep);
  if (scenario.model.experts && s.ep > 1 && s.overlaps("experts")) {
    line.flag("--overlap-moe-expert-parallel-comm");
    if (s.delay_wgrad) line.flag("--delay-wgrad-compute");
  }
  if (scenario.model.experts && s.etp != s.tp) line.integer("--expert-tensor-parallel-size", s.etp);
  line.integer("--micro-batch-size", scenario.job.micro_batch);
  line.integer("--global-batch-size", scenario.job.global_batch);
  line.integer("--seq-length", scenario.job.sequence_length);
  add_megatron_model(scenario.model, s.dispatcher, line);
  add_megatron_memory(scenario, line);
  return line.take();
}

/// Everything in 16 bits: Megatron-LM always keeps more of its weights, torchtitan does not.
bool is_narrow(const Job& job) {
  return job.trains() && job.optimizer == Optimizer::adam && !job.master_weights &&
         bytes_per_element(job.optimizer_state_type) <= 2.0;
}

std::string torchtitan(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  Line line(torchrun(scenario, "-m torchtitan.train"));
  line.integer("--parallelism.tensor_parallel_degree", s.tp);
  line.integer("--parallelism.pipeline_parallel_degree", s.pp);
  line.unless_one("--parallelism.context_parallel_degree", s.cp);
  line.unless_one("--parallelism.expert_parallel_degree", s.ep);
  const bool shards = s.zero >= 3 || s.ep > 1;  // experts are spread over the ranks that shard
  if (shards) line.integer("--parallelism.data_parallel_shard_degree", s.dp / s.dp_replicate);
  const std::int64_t copies = shards ? s.dp_replicate : s.dp;
  if (!shards || copies > 1) {
    line.integer("--parallelism.data_parallel_replicate_degree", copies);
  }
  if (s.reshard_after_forward) {
    line.flag(*s.reshard_after_forward ? "--parallelism.fsdp_reshard_after_forward always"
                                       : "--parallelism.fsdp_reshard_after_forward never");
  }
  line.integer("--training.local_batch_size", scenario.job.micro_batch);
  line.integer("--training.global_batch_size", scenario.job.global_batch);
  line.integer("--training.seq_len", scenario.job.sequence_length);
  if (is_narrow(scenario.job)) line.flag("--training.dtype bfloat16");
  if (s.recompute == Recompute::full) line.flag("--activation_checkpoint.mode full");
  if (s.recompute == Recompute::selective) line.flag("--activation_checkpoint.mode selective");
  return line.take();
}

}  // namespace

Launch launch_of(const Scenario& scenario, const Forecast& forecast) {
  const bool titan =
      scenario.software.name.find("orchtitan") != std::string::npos || is_narrow(scenario.job);
  Launch launch{titan ? torchtitan(scenario) : megatron(scenario), {}};
  const auto above = [&](std::string metric, double expected, double limit) {
    launch.alerts.push_back({std::move(metric), true, limit, expected});
  };
  const auto peak = static_cast<double>(forecast.peak.value());
  const auto capacity = static_cast<double>(std::ranges::max(memory_capacities(scenario)).value());
  above("memory.peak_bytes", peak, std::min(peak * (1.0 + to_spare), capacity));
  above("step_time_s", forecast.step_time.value(), forecast.step_time.value() * (1.0 + to_spare));
  launch.alerts.push_back({"gpu_busy_fraction", false, forecast.busy_fraction * (1.0 - to_spare),
                           forecast.busy_fraction});
  const double waiting = forecast.communication.value();
  if (waiting > 0.0) above("time_s.communication", waiting, waiting * (1.0 + to_spare));
  if (scenario.strategy.ep > 1) {
    above("expert_imbalance", forecast.expert_imbalance, forecast.expert_imbalance + to_spare);
  }
  return launch;
}

}  // namespace orrery
