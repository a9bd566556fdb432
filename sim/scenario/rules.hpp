// The rules behind validate.hpp, one function each; grouped by what they look at.
#pragma once

#include "scenario/scenario.hpp"

#include <optional>
#include <string>

namespace orrery::rules {

using Verdict = std::optional<Finding>;

// World size: how many GPUs the degrees need (rules_world.cpp).
Verdict gpus_hold_the_model(const Scenario& scenario);
Verdict gpus_divide_by_model_parallel_size(const Scenario& scenario);
Verdict experts_fold_into_a_stage(const Scenario& scenario);
Verdict gpus_are_used(const Scenario& scenario);
Verdict cluster_has_the_nodes(const Scenario& scenario);

// Faults (rules_faults.cpp).
Verdict straggler_is_a_rank(const Scenario& scenario);
Verdict slow_nodes_hold_ranks(const Scenario& scenario);
Verdict ranks_are_slowed_once(const Scenario& scenario);
Verdict failed_gpus_exist(const Scenario& scenario);
Verdict failed_nodes_are_left_out(const Scenario& scenario);

// Division of the model and the batch (rules_division.cpp).
Verdict tp_divides_heads(const Scenario& scenario);
Verdict tp_and_kv_heads_divide(const Scenario& scenario);
Verdict tp_divides_ffn(const Scenario& scenario);
Verdict etp_divides_expert_ffn(const Scenario& scenario);
Verdict ep_needs_experts(const Scenario& scenario);
Verdict ep_divides_experts(const Scenario& scenario);
Verdict routing_can_be_drawn(const Scenario& scenario);
Verdict replicas_need_experts(const Scenario& scenario);
Verdict replicas_do_not_train(const Scenario& scenario);
Verdict stages_have_layers(const Scenario& scenario);
Verdict stage_layers_add_up(const Scenario& scenario);
Verdict layout_adds_up(const Scenario& scenario);
Verdict global_batch_divides(const Scenario& scenario);
Verdict shares_of_replicas_add_up(const Scenario& scenario);
Verdict micro_batches_are_countable(const Scenario& scenario);
Verdict sequence_fits_positions(const Scenario& scenario);
Verdict sp_needs_tp(const Scenario& scenario);
/// Whether the stack's selective recomputation goes by products and not by modules.
bool chooses_no_modules(const Software& software);
Verdict modules_are_the_stacks(const Scenario& scenario);
Verdict replicas_of_shares_divide(const Scenario& scenario);
Verdict replicas_of_shares_need_zero(const Scenario& scenario);
Verdict units_need_zero(const Scenario& scenario);

// Context parallelism (rules_context.cpp).
Verdict cp_divides_the_sequence(const Scenario& scenario);
Verdict cp_divides_heads(const Scenario& scenario);
Verdict cp_levels_multiply_to_cp(const Scenario& scenario);
Verdict cp_ring_has_no_window(const Scenario& scenario);
Verdict cp_needs_fused_attention(const Scenario& scenario);
Verdict cp_is_not_for_decoding(const Scenario& scenario);

// Names that must be known, and what this version executes (rules_names.cpp).
Verdict schedule_is_known(const Scenario& scenario);
Verdict schedule_accepts_the_shape(const Scenario& scenario);
Verdict uneven_replicas_meet_once(const Scenario& scenario);
Verdict gpus_cast_alike(const Scenario& scenario);
Verdict two_directions_need_training(const Scenario& scenario);
Verdict two_directions_divide_once(const Scenario& scenario);
Verdict precision_is_supported(const Scenario& scenario);
Verdict units_are_gathered_in_sixteen_bits(const Scenario& scenario);
Verdict expert_overlap_has_effect(const Scenario& scenario);
Verdict tasks_are_within_limits(const Scenario& scenario);
Verdict step_is_within_the_clock(const Scenario& scenario);

// What may be kept on the host, and whether it has room (rules_offload.cpp).
Verdict offload_is_executed(const Scenario& scenario);
Verdict offload_has_a_host(const Scenario& scenario);
Verdict offloaded_activations_are_alike(const Scenario& scenario);
Verdict offload_needs_training(const Scenario& scenario);
Verdict offloaded_activations_come_back_in_turn(const Scenario& scenario);
Verdict offload_layers_are_there(const Scenario& scenario);
Verdict host_holds_what_is_offloaded(const Scenario& scenario);

// What a run takes of the machine (rules_limits.cpp).
Verdict memory_is_within_limits(const Scenario& scenario);

/// " (models/y.toml:7:1)", or "" when nobody wrote the key: where the other half of a finding
/// stands.
std::string where(const Scenario& scenario, std::string_view key);

}  // namespace orrery::rules
