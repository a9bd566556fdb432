#include "scenario/validate.hpp"

#include "scenario/rules.hpp"

#include <algorithm>

namespace orrery {

namespace {

using enum RuleKind;

const std::vector<Rule> all_rules = {
    {"gpus_hold_the_model", feasibility, rules::gpus_hold_the_model, {"gpus", "strategy"}},
    {"cluster_has_the_nodes",
     feasibility,
     rules::cluster_has_the_nodes,
     {"gpus", "strategy", "cluster"}},
    {"failed_nodes_are_left_out",
     feasibility,
     rules::failed_nodes_are_left_out,
     {"gpus", "strategy", "cluster", "fault"}},
    {"gpus_are_used", feasibility, rules::gpus_are_used, {"gpus", "strategy"}},
    {"gpus_divide_by_model_parallel_size",
     legality,
     rules::gpus_divide_by_model_parallel_size,
     {"gpus", "strategy.tp", "strategy.cp", "strategy.pp"}},
    {"experts_fold_into_a_stage", legality, rules::experts_fold_into_a_stage, {"gpus", "strategy"}},
    {"straggler_is_a_rank", legality, rules::straggler_is_a_rank, {"gpus", "strategy", "fault"}},
    {"slow_nodes_hold_ranks",
     legality,
     rules::slow_nodes_hold_ranks,
     {"gpus", "strategy", "cluster", "fault"}},
    {"ranks_are_slowed_once",
     legality,
     rules::ranks_are_slowed_once,
     {"gpus", "strategy", "cluster", "fault"}},
    {"failed_gpus_exist", legality, rules::failed_gpus_exist, {"gpus", "cluster", "fault"}},
    {"tp_divides_heads", legality, rules::tp_divides_heads, {"strategy.tp", "model"}},
    {"tp_and_kv_heads_divide", legality, rules::tp_and_kv_heads_divide, {"strategy.tp", "model"}},
    {"tp_divides_ffn", legality, rules::tp_divides_ffn, {"strategy.tp", "model"}},
    {"etp_divides_expert_ffn", legality, rules::etp_divides_expert_ffn, {"strategy.etp", "model"}},
    {"ep_needs_experts",
     legality,
     rules::ep_needs_experts,
     {"strategy.ep", "strategy.etp", "model"}},
    {"ep_divides_experts",
     legality,
     rules::ep_divides_experts,
     {"strategy.ep", "strategy.redundant_experts", "model"}},
    {"routing_can_be_drawn", legality, rules::routing_can_be_drawn, {"workload", "model"}},
    {"replicas_need_experts",
     legality,
     rules::replicas_need_experts,
     {"strategy.redundant_experts", "strategy.expert_placement", "model"}},
    {"replicas_do_not_train",
     legality,
     rules::replicas_do_not_train,
     {"strategy.redundant_experts", "workload"}},
    {"stages_have_layers",
     legality,
     rules::stages_have_layers,
     {"strategy.pp", "strategy.vpp", "model"}},
    {"stage_layers_add_up",
     legality,
     rules::stage_layers_add_up,
     {"strategy.pp", "strategy.vpp", "strategy.stage_layers", "model"}},
    {"layout_adds_up",
     legality,
     rules::layout_adds_up,
     {"strategy.pp", "strategy.vpp", "strategy.layout", "model"}},
    {"global_batch_divides",
     legality,
     rules::global_batch_divides,
     {"gpus", "strategy", "workload"}},
    {"shares_of_replicas_add_up",
     legality,
     rules::shares_of_replicas_add_up,
     {"gpus", "strategy", "workload"}},
    {"micro_batches_are_countable",
     legality,
     rules::micro_batches_are_countable,
     {"gpus", "strategy", "workload"}},
    {"cp_divides_the_sequence",
     legality,
     rules::cp_divides_the_sequence,
     {"strategy.cp", "workload"}},
    {"cp_levels_multiply_to_cp", legality, rules::cp_levels_multiply_to_cp, {"strategy"}},
    {"cp_divides_heads", legality, rules::cp_divides_heads, {"strategy", "model"}},
    {"cp_ring_has_no_window", legality, rules::cp_ring_has_no_window, {"strategy", "model"}},
    {"cp_needs_fused_attention",
     legality,
     rules::cp_needs_fused_attention,
     {"strategy.cp", "software"}},
    {"cp_is_not_for_decoding",
     legality,
     rules::cp_is_not_for_decoding,
     {"strategy.cp", "workload.kind"}},
    {"sequence_fits_positions", legality, rules::sequence_fits_positions, {"workload", "model"}},
    {"modules_are_the_stacks",
     legality,
     rules::modules_are_the_stacks,
     {"strategy.recompute", "strategy.recompute_modules", "software"}},
    {"sp_needs_tp", legality, rules::sp_needs_tp, {"strategy.sp", "strategy.tp"}},
    {"replicas_of_shares_divide",
     legality,
     rules::replicas_of_shares_divide,
     {"gpus", "strategy", "strategy.dp_replicate"}},
    {"replicas_of_shares_need_zero",
     legality,
     rules::replicas_of_shares_need_zero,
     {"strategy.dp_replicate", "strategy.zero"}},
    {"units_need_zero", legality, rules::units_need_zero, {"strategy", "strategy.zero"}},
    {"schedule_is_known", legality, rules::schedule_is_known, {"strategy.schedule"}},
    {"two_directions_divide_once",
     legality,
     rules::two_directions_divide_once,
     {"strategy.schedule", "strategy.zero", "strategy.dp_replicate"}},
    {"uneven_replicas_meet_once",
     legality,
     rules::uneven_replicas_meet_once,
     {"strategy", "workload"}},
    {"gpus_cast_alike", legality, rules::gpus_cast_alike, {"gpus", "cluster", "workload"}},
    {"two_directions_need_training",
     legality,
     rules::two_directions_need_training,
     {"strategy.schedule", "workload"}},
    {"schedule_accepts_the_shape",
     legality,
     rules::schedule_accepts_the_shape,
     {"gpus", "strategy", "workload"}},
    {"expert_overlap_has_effect",
     legality,
     rules::expert_overlap_has_effect,
     {"strategy.overlap", "strategy.schedule", "strategy.ep", "strategy.pp", "workload", "model"}},
    {"offload_is_executed", legality, rules::offload_is_executed, {"strategy.offload"}},
    {"offload_has_a_host", legality, rules::offload_has_a_host, {"strategy.offload", "cluster"}},
    {"offloaded_activations_are_alike",
     legality,
     rules::offloaded_activations_are_alike,
     {"strategy.offload", "workload.routing", "model"}},
    {"offload_needs_training",
     legality,
     rules::offload_needs_training,
     {"strategy.offload", "workload"}},
    {"offloaded_activations_come_back_in_turn",
     legality,
     rules::offloaded_activations_come_back_in_turn,
     {"strategy", "workload", "model"}},
    {"offload_layers_are_there",
     legality,
     rules::offload_layers_are_there,
     {"strategy.offload_layers", "strategy.offload", "strategy.pp", "model"}},
    {"precision_is_supported",
     legality,
     rules::precision_is_supported,
     {"workload.precision", "cluster"}},
    {"units_are_gathered_in_sixteen_bits",
     legality,
     rules::units_are_gathered_in_sixteen_bits,
     {"workload.fp8_param_gather", "strategy.zero"}},
    {"host_holds_what_is_offloaded",
     feasibility,
     rules::host_holds_what_is_offloaded,
     {"gpus", "strategy", "workload", "model", "cluster", "software"}},
    {"tasks_are_within_limits",
     legality,
     rules::tasks_are_within_limits,
     {"gpus", "strategy", "workload", "model", "fidelity"}},
    {"memory_is_within_limits",
     legality,
     rules::memory_is_within_limits,
     {"gpus", "strategy", "model", "fidelity"}},
    {"step_is_within_the_clock",
     legality,
     rules::step_is_within_the_clock,
     {"gpus", "strategy", "workload", "model", "cluster"}},
};

}  // namespace

std::string to_sentence(const Finding& finding) {
  return finding.remedy.empty() ? finding.message : finding.message + "; " + finding.remedy;
}

bool Rule::looks_at(std::string_view key) const {
  return std::ranges::find(keys, key) != keys.end();
}

std::span<const Rule> scenario_rules() { return all_rules; }

std::vector<Finding> judge(const Scenario& scenario, RuleKind kind) {
  std::vector<Finding> findings;
  for (const Rule& rule : all_rules) {
    if (rule.kind != kind) continue;
    if (auto finding = rule.judge(scenario)) findings.push_back(std::move(*finding));
  }
  return findings;
}

bool is_legal(const Scenario& scenario) {
  const std::vector<Finding> findings = judge(scenario, RuleKind::legality);
  return std::ranges::none_of(findings,
                              [](const Finding& f) { return f.severity == Severity::error; });
}

}  // namespace orrery
