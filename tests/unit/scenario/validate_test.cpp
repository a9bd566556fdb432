#include "scenario/validate.hpp"

#include "scenario/rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using rules::Verdict;
using ::testing::HasSubstr;

/// A legal job, by hand: 16 GPUs, a small model with experts, GPUs that know bf16.
Scenario legal() {
  Scenario s;
  s.model.layers = 8;
  s.model.hidden = 1024;
  s.model.ffn = 4096;
  s.model.attention.heads = 16;
  s.model.attention.kv_heads = 4;
  s.model.experts.emplace();
  s.model.experts->experts = 8;
  s.model.experts->expert_ffn = 2048;
  s.model.experts->dense_layers = 1;
  s.cluster.name = "two nodes";
  s.cluster.gpu.peak[static_cast<std::size_t>(NumberType::bf16)] = FlopsPerSecond(1e15);
  s.gpus = 16;
  s.job.sequence_length = 4096;
  s.job.global_batch = 64;
  s.strategy.tp = 2;
  s.strategy.pp = 2;
  s.strategy.ep = 4;
  derive_world_size(s);
  return s;
}

/// The finding as a sentence; "" when there is none.
std::string said(const Verdict& verdict) { return verdict ? to_sentence(*verdict) : ""; }

TEST(Validate, FindsNothingInALegalScenario) {
  EXPECT_TRUE(judge(legal(), RuleKind::legality).empty());
  EXPECT_TRUE(judge(legal(), RuleKind::feasibility).empty());
}

// --- World size ----------------------------------------------------------------------------------

TEST(DeriveWorldSize, DividesTheGpusByTheModelParallelSize) { EXPECT_EQ(legal().strategy.dp, 4); }

TEST(DeriveWorldSize, TakesTheLeastDpThatHoldsTheExperts) {
  Scenario s = legal();
  s.gpus = 4;
  s.strategy.ep = 8;

  ASSERT_TRUE(derive_world_size(s));

  EXPECT_EQ(s.strategy.dp, 4);  // ep 8 divides dp · tp = 4 · 2
  EXPECT_EQ(gpus_required(s), 16);
}

TEST(DeriveWorldSize, TakesTheGpusFromAStrategyThatGivesDp) {
  Scenario s = legal();
  s.gpus = 0;
  s.strategy.dp = 3;
  s.strategy.dp_given = true;

  ASSERT_TRUE(derive_world_size(s));

  EXPECT_EQ(s.gpus, 12);
}

TEST(DeriveWorldSize, RefusesMoreRanksThanTheLimit) {
  Scenario s = legal();
  s.strategy.tp = s.strategy.pp = 1 << 12;

  EXPECT_FALSE(derive_world_size(s));
}

TEST(Validate, GpusHoldTheModel) {
  Scenario s = legal();
  s.gpus = 3;

  EXPECT_THAT(said(rules::gpus_hold_the_model(s)), HasSubstr("needs 16 GPUs, there are 3: 13 are"));
}

/// A deployment report's plan: EP16_TP1_PP1_DP4 on 16 GPUs multiplies to 64.
TEST(Validate, GpusHoldTheModelOfADeploymentPlan) {
  Scenario s = legal();
  s.strategy = {};
  s.strategy.ep = 16;
  s.strategy.dp = 64;
  s.strategy.dp_given = true;

  EXPECT_THAT(said(rules::gpus_hold_the_model(s)),
              HasSubstr("needs 64 GPUs, there are 16: 48 are"));
  EXPECT_EQ(gpus_available(s), 16);
}

TEST(Validate, GpusDivideByModelParallelSize) {
  Scenario s = legal();
  s.gpus = 18;

  EXPECT_EQ(said(rules::gpus_divide_by_model_parallel_size(s)),
            "gpus = 18 is no multiple of tp · cp · pp = 2 · 1 · 2 = 4; wanted 16 or 20");
}

TEST(Validate, ExpertsFoldIntoAStage) {
  Scenario s = legal();
  s.gpus = 20;
  derive_world_size(s);

  EXPECT_EQ(
      said(rules::experts_fold_into_a_stage(s)),
      "ep · etp = 4 · 1 does not divide dp · cp · tp = 5 · 1 · 2 = 10, the ranks of one pipeline "
      "stage; wanted gpus = 16 or 24");
}

TEST(Validate, GpusAreUsed) {
  Scenario s = legal();
  s.strategy.dp = 2;
  s.strategy.dp_given = true;

  const Verdict verdict = rules::gpus_are_used(s);

  EXPECT_THAT(said(verdict), HasSubstr("uses 8 of 16 GPUs; 8 stay idle"));
  EXPECT_EQ(verdict->severity, Severity::warning);
}

TEST(Validate, ClusterHasTheNodes) {
  Scenario s = legal();
  s.cluster.nodes = 1;

  EXPECT_THAT(said(rules::cluster_has_the_nodes(s)), HasSubstr("16 GPUs need 2 nodes of 8"));
  EXPECT_EQ(gpus_available(s), 8);
}

TEST(Validate, MissingGpusAreSaidOnceWithTheNodesTheyTake) {
  Scenario s = legal();
  s.cluster.nodes = 2;
  s.strategy.dp = 16;
  s.strategy.dp_given = true;

  const std::vector<Finding> findings = judge(s, RuleKind::feasibility);

  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].code, "gpus_missing");
  EXPECT_EQ(findings[0].remedy, "gpus = 64 on 8 nodes instead of 2, or smaller degrees");
}

TEST(Validate, StragglerIsARank) {
  Scenario s = legal();
  s.stragglers.push_back({.rank = 16, .slowdown = 2.0, .position = {}});

  EXPECT_THAT(said(rules::straggler_is_a_rank(s)), HasSubstr("ranks count from 0 to 15"));
}

// --- Division ------------------------------------------------------------------------------------

TEST(Validate, TpDividesHeads) {
  Scenario s = legal();
  s.model.attention.heads = 40;
  s.strategy.tp = 16;

  EXPECT_EQ(said(rules::tp_divides_heads(s)),
            "strategy.tp = 16 does not divide model.attention.heads = 40; wanted 10 or 20");
}

TEST(Validate, TpAndKvHeadsDivide) {
  Scenario s = legal();

  s.strategy.tp = 8;  // two ranks hold each key-value head
  EXPECT_EQ(said(rules::tp_and_kv_heads_divide(s)), "");
  s.strategy.tp = 6;
  EXPECT_THAT(said(rules::tp_and_kv_heads_divide(s)), HasSubstr("neither divides"));
  s.model.attention.kind = AttentionKind::mla;
  EXPECT_EQ(said(rules::tp_and_kv_heads_divide(s)), "");
}

TEST(Validate, TpDividesFfn) {
  Scenario s = legal();
  s.strategy.tp = 3;

  EXPECT_THAT(said(rules::tp_divides_ffn(s)), HasSubstr("does not divide model.ffn = 4096"));
  s.model.experts->dense_layers = 0;  // no layer uses it
  EXPECT_EQ(said(rules::tp_divides_ffn(s)), "");
}

TEST(Validate, EtpDividesExpertFfn) {
  Scenario s = legal();
  s.strategy.etp = 3;

  EXPECT_THAT(said(rules::etp_divides_expert_ffn(s)), HasSubstr("wanted 2 or 4"));
}

TEST(Validate, EpNeedsExperts) {
  Scenario s = legal();
  s.model.experts.reset();

  EXPECT_THAT(said(rules::ep_needs_experts(s)), HasSubstr("is a dense model"));
}

TEST(Validate, EpDividesExperts) {
  Scenario s = legal();
  s.strategy.ep = 16;

  EXPECT_EQ(said(rules::ep_divides_experts(s)),
            "strategy.ep = 16 does not divide model.moe.experts = 8; wanted 8");
}

TEST(Validate, StagesHaveLayers) {
  Scenario s = legal();
  s.strategy.vpp = 5;

  EXPECT_THAT(said(rules::stages_have_layers(s)), HasSubstr("2 · 5 = 10 virtual stages"));
}

TEST(Validate, StageLayersAddUp) {
  Scenario s = legal();
  s.strategy.stage_layers = {4, 3};

  EXPECT_THAT(said(rules::stage_layers_add_up(s)), HasSubstr("gives 7 layers to 2 stages"));
  s.strategy.stage_layers = {5, 3};
  EXPECT_EQ(said(rules::stage_layers_add_up(s)), "");
}

TEST(Validate, GlobalBatchDivides) {
  Scenario s = legal();
  s.job.global_batch = 66;

  EXPECT_EQ(said(rules::global_batch_divides(s)),
            "workload.global_batch = 66 is no multiple of dp · micro_batch = 4 · 1 = 4; "
            "wanted 64 or 68");
}

TEST(Validate, MicroBatchesAreCountable) {
  Scenario s = legal();
  s.job.global_batch = 1 << 20;

  EXPECT_THAT(said(rules::micro_batches_are_countable(s)), HasSubstr("262144 micro-batches"));
}

TEST(Validate, CpDividesTheSequence) {
  Scenario s = legal();
  s.strategy.cp = 3;

  EXPECT_THAT(said(rules::cp_divides_the_sequence(s)), HasSubstr("no multiple of 2 · cp = 6"));
}

TEST(Validate, CpDividesHeadsThatItExchanges) {
  Scenario s = legal();
  s.strategy.cp = 3;
  s.strategy.cp_comm_type = "a2a";

  EXPECT_THAT(said(rules::cp_divides_heads(s)),
              HasSubstr("exchanges tokens for heads over 3 ranks"));
}

TEST(Validate, CpLevelsMultiplyToCp) {
  Scenario s = legal();
  s.strategy.cp = 8;
  s.strategy.hierarchical_context_parallel_sizes = {4, 4};
  EXPECT_THAT(said(rules::cp_levels_multiply_to_cp(s)), HasSubstr("has no levels"));

  s.strategy.cp_comm_type = "a2a+p2p";
  EXPECT_THAT(said(rules::cp_levels_multiply_to_cp(s)), HasSubstr("[4, 4] are not two sizes"));
  s.strategy.hierarchical_context_parallel_sizes = {4, 2};
  EXPECT_EQ(said(rules::cp_levels_multiply_to_cp(s)), "");
}

TEST(Validate, CpRingHasNoWindow) {
  Scenario s = legal();
  s.strategy.cp = 2;
  s.model.attention.window = 128;
  EXPECT_THAT(said(rules::cp_ring_has_no_window(s)), HasSubstr("around a ring"));

  s.strategy.cp_comm_type = "all_gather";
  EXPECT_EQ(said(rules::cp_ring_has_no_window(s)), "");
}

TEST(Validate, CpNeedsFusedAttention) {
  Scenario s = legal();
  s.strategy.cp = 2;
  s.software.attention = AttentionForm::unfused;

  EXPECT_THAT(said(rules::cp_needs_fused_attention(s)), HasSubstr("is unfused"));
}

TEST(Validate, CpIsNotForDecoding) {
  Scenario s = legal();
  s.strategy.cp = 2;
  s.job.kind = JobKind::decode;

  EXPECT_THAT(said(rules::cp_is_not_for_decoding(s)), HasSubstr("one token of a sequence"));
}

TEST(Validate, SequenceFitsPositions) {
  Scenario s = legal();
  s.model.positions = 2048;

  EXPECT_THAT(said(rules::sequence_fits_positions(s)), HasSubstr("wanted at most 2048"));
}

TEST(Validate, ModulesAreTheStacks) {
  Scenario s = legal();
  s.strategy.recompute = Recompute::selective;
  s.strategy.recompute_modules_given = true;
  EXPECT_EQ(said(rules::modules_are_the_stacks(s)), "");

  s.software.selective = {"alternate_products"};
  s.strategy.recompute_modules = {"alternate_products"};
  EXPECT_EQ(rules::modules_are_the_stacks(s)->severity, Severity::warning);
  EXPECT_THAT(said(rules::modules_are_the_stacks(s)), HasSubstr("alternate_products"));
}

TEST(Validate, SpNeedsTp) {
  Scenario s = legal();
  s.strategy.sp = true;
  EXPECT_EQ(said(rules::sp_needs_tp(s)), "");

  s.strategy.tp = 1;

  EXPECT_EQ(rules::sp_needs_tp(s)->severity, Severity::warning);
}

// --- Names, and what is executed -----------------------------------------------------------------

TEST(Validate, ReplicasOfSharesDivide) {
  Scenario s = legal();  // dp 4, and tp · dp / ep = 2 replicas of an expert
  s.strategy.zero = 3;
  s.strategy.dp_replicate = 2;
  EXPECT_EQ(said(rules::replicas_of_shares_divide(s)), "");

  s.strategy.dp_replicate = 4;
  EXPECT_EQ(said(rules::replicas_of_shares_divide(s)),
            "strategy.dp_replicate = 4 does not divide dp = 4 and the 2 replicas of an expert; "
            "wanted 2");
}

TEST(Validate, ReplicasOfSharesNeedZero) {
  Scenario s = legal();
  s.strategy.dp_replicate = 2;
  EXPECT_THAT(said(rules::replicas_of_shares_need_zero(s)), HasSubstr("wanted zero = 1, 2 or 3"));

  s.strategy.zero = 1;
  EXPECT_EQ(said(rules::replicas_of_shares_need_zero(s)), "");
}

TEST(Validate, UnitsNeedZero) {
  Scenario s = legal();
  s.strategy.zero = 1;
  s.strategy.no_sync = true;
  EXPECT_EQ(said(rules::units_need_zero(s)),
            "strategy.no_sync does nothing with zero = 1; leave it out, or zero = 2 or 3");

  s.strategy.zero = 2;
  EXPECT_EQ(said(rules::units_need_zero(s)), "");
  s.strategy.fsdp_prefetch = 2;
  EXPECT_THAT(said(rules::units_need_zero(s)), HasSubstr("fsdp_prefetch does nothing"));
}

TEST(Validate, ScheduleIsKnown) {
  Scenario s = legal();
  s.strategy.schedule = "1f1c";

  EXPECT_THAT(said(rules::schedule_is_known(s)), HasSubstr("did you mean '1f1b'?"));
}

TEST(Validate, ScheduleAcceptsTheShape) {
  Scenario s = legal();
  s.strategy.schedule = "interleaved";

  EXPECT_THAT(said(rules::schedule_accepts_the_shape(s)), HasSubstr("vpp of at least 2"));
}

TEST(Validate, TwoDirectionsNeedTraining) {
  Scenario s = legal();
  s.strategy.schedule = "dualpipe";
  EXPECT_EQ(said(rules::two_directions_need_training(s)), "");

  s.job.kind = JobKind::forward;

  EXPECT_THAT(said(rules::two_directions_need_training(s)), HasSubstr("is for training"));
}

TEST(Validate, TwoDirectionsDivideOnce) {
  Scenario s = legal();
  s.strategy.schedule = "dualpipe";
  s.strategy.zero = 1;
  EXPECT_EQ(said(rules::two_directions_divide_once(s)), "");

  s.strategy.zero = 3;

  EXPECT_THAT(said(rules::two_directions_divide_once(s)), HasSubstr("is not executed"));
}

TEST(Validate, LayoutAddsUp) {
  Scenario s = legal();
  s.strategy.pp = 2;
  s.strategy.layout = {{.embedding = true, .layers = s.model.layers}, {.loss = true}};
  EXPECT_EQ(said(rules::layout_adds_up(s)), "");

  s.strategy.layout[1].mtp_layers = 1;
  EXPECT_THAT(said(rules::layout_adds_up(s)), HasSubstr("1 that predict ahead"));
}

TEST(Validate, PrecisionIsSupported) {
  Scenario s = legal();
  s.job.precision = NumberType::nvfp4;

  EXPECT_THAT(said(rules::precision_is_supported(s)), HasSubstr("wanted one of bf16"));
}

TEST(Validate, UnitsAreGatheredInSixteenBits) {
  Scenario s = legal();
  s.job.low_precision.param_gather = true;
  EXPECT_EQ(said(rules::units_are_gathered_in_sixteen_bits(s)), "");
  s.strategy.zero = 3;

  EXPECT_THAT(said(rules::units_are_gathered_in_sixteen_bits(s)), HasSubstr("wanted zero below 3"));
}

TEST(Validate, OffloadIsExecuted) {
  Scenario s = legal();
  s.strategy.offload = {"optimizer", "activations"};
  EXPECT_EQ(said(rules::offload_is_executed(s)), "");
  s.strategy.offload = {"parameters"};

  EXPECT_THAT(said(rules::offload_is_executed(s)), HasSubstr("\"parameters\" is not executed"));
}

TEST(Validate, OffloadHasAHost) {
  Scenario s = legal();
  s.cluster.host.reset();
  s.strategy.offload = {"optimizer"};
  EXPECT_THAT(said(rules::offload_has_a_host(s)), HasSubstr("wanted a table [host] with memory"));
  s.cluster.host = HostSpec{};

  EXPECT_EQ(said(rules::offload_has_a_host(s)), "");
}

TEST(Validate, OffloadedActivationsAreAlike) {
  Scenario s = legal();
  s.model.experts = Experts{};
  s.job.routing.kind = RoutingKind::uniform;
  s.strategy.offload = {"activations"};
  EXPECT_THAT(said(rules::offloaded_activations_are_alike(s)), HasSubstr("unequal activations"));
  s.job.routing.kind = RoutingKind::forced;

  EXPECT_EQ(said(rules::offloaded_activations_are_alike(s)), "");
}

TEST(Validate, OffloadNeedsTraining) {
  Scenario s = legal();
  s.strategy.offload = {"optimizer"};
  EXPECT_EQ(said(rules::offload_needs_training(s)), "");
  s.job.optimizer = Optimizer::none;
  EXPECT_THAT(said(rules::offload_needs_training(s)), HasSubstr("workload.optimizer is \"none\""));
  s.job.kind = JobKind::forward;

  EXPECT_THAT(said(rules::offload_needs_training(s)), HasSubstr("nothing but training"));
}

TEST(Validate, OffloadedActivationsComeBackInTurn) {
  Scenario s = legal();
  s.strategy.offload = {"activations"};
  EXPECT_EQ(said(rules::offloaded_activations_come_back_in_turn(s)), "");
  s.strategy.schedule = "zb-h1";

  EXPECT_THAT(said(rules::offloaded_activations_come_back_in_turn(s)),
              HasSubstr("whose backwards come in halves"));
}

TEST(Validate, OffloadLayersAreThere) {
  Scenario s = legal();
  s.strategy.offload_layers = 1;
  EXPECT_THAT(said(rules::offload_layers_are_there(s)), HasSubstr("no effect without activations"));
  s.strategy.offload = {"activations"};
  EXPECT_EQ(said(rules::offload_layers_are_there(s)), "");
  s.strategy.offload_layers = s.model.layers + 1;

  EXPECT_THAT(said(rules::offload_layers_are_there(s)), HasSubstr("no stage has more than"));
}

TEST(Validate, HostHoldsWhatIsOffloaded) {
  Scenario s = legal();
  s.strategy.offload = {"optimizer"};
  s.cluster.host = HostSpec{};
  s.cluster.host->memory = Bytes(100'000'000'000'000);
  EXPECT_EQ(said(rules::host_holds_what_is_offloaded(s)), "");
  s.cluster.host->memory = Bytes(1'000'000);

  EXPECT_THAT(said(rules::host_holds_what_is_offloaded(s)),
              HasSubstr("of the 1.000 MB that its host has"));
}

TEST(Validate, ExpertOverlapHasEffect) {
  Scenario s = legal();
  s.strategy.overlap = {"experts"};
  s.strategy.overlap_given = true;
  s.strategy.ep = 1;
  EXPECT_EQ(said(rules::expert_overlap_has_effect(s)), "");

  s.strategy.ep = 2;
  s.strategy.pp = 2;
  EXPECT_EQ(rules::expert_overlap_has_effect(s)->severity, Severity::warning);
  EXPECT_THAT(said(rules::expert_overlap_has_effect(s)), HasSubstr("has no effect"));

  s.strategy.pp = 1;
  EXPECT_EQ(said(rules::expert_overlap_has_effect(s)), "");
}

/// Lowering leaves the gaps of launches out when graphs are captured.
TEST(Validate, CapturedGraphsNeedNoRemark) {
  Scenario s = legal();
  s.strategy.cuda_graph = "full";

  EXPECT_TRUE(judge(s, RuleKind::legality).empty());
}

TEST(Validate, TasksAreWithinLimits) {
  Scenario s = legal();
  s.model.layers = 4096;
  s.job.global_batch = 4 * 4096;

  EXPECT_THAT(said(rules::tasks_are_within_limits(s)), HasSubstr("tasks, more than the limit"));
}

TEST(Validate, MemoryIsWithinLimits) {
  Scenario s = legal();
  s.strategy.ep = s.strategy.dp = 8192;
  s.model.experts->experts = 8192;
  EXPECT_EQ(rules::memory_is_within_limits(s), std::nullopt);

  s.fidelity.explicit_steps = true;

  EXPECT_THAT(said(rules::memory_is_within_limits(s)), HasSubstr("single transfers"));
}

TEST(Validate, StepIsWithinTheClock) {
  Scenario s = legal();
  EXPECT_EQ(rules::step_is_within_the_clock(s), std::nullopt);

  s.job.sequence_length = 134'217'728;

  EXPECT_THAT(said(rules::step_is_within_the_clock(s)), HasSubstr("s at peak rate"));
}

}  // namespace
}  // namespace orrery
