#include "search/account.hpp"

#include "base/units_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace orrery {

namespace {

struct AccountInput {
  const Scenario& scenario;
  const Feasibility& feasibility;
};

std::string gpus(const AccountInput& in) {
  const Strategy& s = in.scenario.strategy;
  if (s.dp % s.ep != 0) {
    return fmt::format("tp {} · cp {} · pp {} · dp {}", s.tp, s.cp, s.pp, s.dp);
  }
  return fmt::format("EP {} · TP {} · PP {} · DP {}{}", s.ep, s.tp, s.pp, s.dp / s.ep,
                     s.cp > 1 ? fmt::format(" · CP {}", s.cp) : "");
}

std::string available(const AccountInput& in) {
  const ClusterSpec& cluster = in.scenario.cluster;
  if (!cluster.nodes) return "the cluster grows to hold the job";
  return fmt::format("{} nodes of {}", *cluster.nodes, cluster.gpus_per_node);
}

std::string parameters(const AccountInput& in) {
  const Model& model = in.scenario.model;
  const ParameterCount count = count_parameters(model);
  const double expert_layers = static_cast<double>(model.expert_layer_count());
  std::string text = fmt::format(
      "attention {}", format_count(count.attention_per_layer * static_cast<double>(model.layers)));
  if (model.experts) {
    const auto experts = static_cast<double>(model.experts->experts);
    text = fmt::format("experts {} ({} layers × {} × {}), ",
                       format_count(count.experts_per_layer * expert_layers), expert_layers,
                       experts, format_count(count.experts_per_layer / experts)) +
           text;
  }
  return fmt::format("{}, embedding {}", text, format_count(count.embedding + count.head));
}

std::string experts_of_model(const AccountInput& in) {
  const ParameterCount count = count_parameters(in.scenario.model);
  const auto layers = static_cast<double>(in.scenario.model.expert_layer_count());
  return fmt::format("{} parameters × {} bytes", format_count(count.experts_per_layer * layers),
                     bytes_per_element(in.scenario.job.parameter_type));
}

std::string attention_of_model(const AccountInput& in) {
  const ParameterCount count = count_parameters(in.scenario.model);
  return fmt::format("{} layers × {} parameters × {} bytes", in.scenario.model.layers,
                     format_count(count.attention_per_layer),
                     bytes_per_element(in.scenario.job.parameter_type));
}

const StageMemory* fullest_of(const AccountInput& in) {
  return in.feasibility.memory.empty()
             ? nullptr
             : &tightest(in.feasibility.memory, memory_capacities(in.scenario));
}

std::string peak(const AccountInput& in) {
  const StageMemory* memory = fullest_of(in);
  return memory == nullptr ? "" : describe(memory->held);
}

std::string resident(const AccountInput& in, std::string_view what, double width) {
  const StageMemory* memory = fullest_of(in);
  if (memory == nullptr) return "";
  const StagePlan& stage = in.feasibility.plan->stages[static_cast<std::size_t>(memory->stage)];
  return fmt::format("{} dense and {} expert parameters on a rank, {} bytes {}",
                     format_count(stage.dense_parameters), format_count(stage.expert_parameters),
                     width, what);
}

/// What is said of a kind of state that ZeRO divides from `level` on.
std::string_view each(const AccountInput& in, std::int64_t level) {
  return in.scenario.strategy.zero >= level ? "each, divided over replicas (ZeRO)" : "each";
}

std::string held_parameters(const AccountInput& in) {
  return resident(in, each(in, 3), bytes_per_element(in.scenario.job.parameter_type));
}

std::string held_gradients(const AccountInput& in) {
  return resident(in, each(in, 2), bytes_per_element(in.scenario.job.gradient_type));
}

std::string held_optimizer(const AccountInput& in) {
  const Job& job = in.scenario.job;
  const double moments = job.optimizer == Optimizer::adam  ? 2.0
                         : job.optimizer == Optimizer::sgd ? 1.0
                                                           : 0.0;
  const double width =
      moments * bytes_per_element(job.optimizer_state_type) + (job.master_weights ? 4.0 : 0.0);
  return resident(in, each(in, 1), width);
}

std::string held_activations(const AccountInput& in) {
  const StageMemory* memory = fullest_of(in);
  if (memory == nullptr) return "";
  const Job& job = in.scenario.job;
  return fmt::format("{} micro-batch{} of {} × {} tokens under way on the fullest rank",
                     memory->live, memory->live == 1 ? "" : "es", job.micro_batch,
                     job.tokens_per_sequence());
}

std::string layers(const AccountInput& in) {
  return fmt::format("{} layers ÷ pp {}", in.scenario.model.layers, in.scenario.strategy.pp);
}

std::string experts(const AccountInput& in) {
  if (!in.scenario.model.experts) return "a dense model";
  return fmt::format("{} experts ÷ ep {}", in.scenario.model.experts->experts,
                     in.scenario.strategy.ep);
}

std::string instances(const AccountInput& in) {
  if (!in.scenario.model.experts) return "a dense model";
  return fmt::format("{} experts × {} layers", in.scenario.model.experts->experts,
                     in.scenario.model.expert_layer_count());
}

std::string columns(const AccountInput& in) {
  return fmt::format("{} columns ÷ tp {}", in.scenario.model.hidden, in.scenario.strategy.tp);
}

std::string heads(const AccountInput& in) {
  return fmt::format("{} heads ÷ tp {}", in.scenario.model.attention.heads,
                     in.scenario.strategy.tp);
}

std::string sequences(const AccountInput& in) {
  return fmt::format("{} sequences ÷ dp {}", in.scenario.job.global_batch, in.scenario.strategy.dp);
}

std::string replica_sequences(const AccountInput& in) {
  const Strategy& s = in.scenario.strategy;
  return fmt::format("{} sequences ÷ {} replicas", in.scenario.job.global_batch,
                     std::max<std::int64_t>(1, s.dp / s.ep));
}

std::string imbalance(const AccountInput& in) {
  switch (in.scenario.job.routing.kind) {
    case RoutingKind::forced:
      return "routing is forced to be even";
    case RoutingKind::uniform:
      return "tokens drawn evenly still fill one expert rank more than the mean; routing.kind = "
             "\"forced\" makes them even";
    default:
      return "popular experts fill their ranks more than the mean; routing.kind = \"forced\" makes "
             "them even";
  }
}

std::string verdicts(const AccountInput& in) {
  for (const Finding& finding : in.feasibility.verdicts) {
    if (finding.severity == Severity::error) return finding.message;
  }
  return in.feasibility.memory.empty() ? "" : "the fullest rank holds " + peak(in);
}

std::string workspace(const AccountInput&) {
  return "scratch of the op that needs most, while it runs";
}

std::string overhead(const AccountInput& in) {
  return fmt::format("what the profile '{}' states for driver, framework and libraries",
                     in.scenario.software.name);
}

struct Account {
  std::string_view metric;
  std::string (*text)(const AccountInput& in);
};

constexpr std::array accounts = {Account{"feasible", verdicts},
                                 Account{"gpus_required", gpus},
                                 Account{"strategy.world_size", gpus},
                                 Account{"gpus_available", available},
                                 Account{"model.parameters_total", parameters},
                                 Account{"model.expert_bytes", experts_of_model},
                                 Account{"model.attention_bytes", attention_of_model},
                                 Account{"memory.peak_bytes", peak},
                                 Account{"memory.peak_fraction", peak},
                                 Account{"memory.parameters", held_parameters},
                                 Account{"memory.gradients", held_gradients},
                                 Account{"memory.optimizer", held_optimizer},
                                 Account{"memory.activations", held_activations},
                                 Account{"memory.workspace", workspace},
                                 Account{"memory.overhead", overhead},
                                 Account{"division.layers_per_rank", layers},
                                 Account{"division.experts_per_rank", experts},
                                 Account{"division.expert_instances", instances},
                                 Account{"division.hidden_columns", columns},
                                 Account{"division.heads_per_rank", heads},
                                 Account{"division.sequences_per_rank", sequences},
                                 Account{"division.sequences_per_replica", replica_sequences},
                                 Account{"expert_imbalance", imbalance}};

}  // namespace

std::string account_for(const Scenario& scenario, const Feasibility& feasibility,
                        std::string_view metric) {
  for (const Account& account : accounts) {
    if (account.metric == metric) return account.text({scenario, feasibility});
  }
  return "";
}

}  // namespace orrery
