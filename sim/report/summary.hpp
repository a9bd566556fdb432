// The summary of a run: every figure that the results of a run name, as plain values.
//
// Times are those of the average rank, classes weighing as many ranks as they stand for; the parts
// of TimeShares sum to the step time because the parts of every class do (engine/time_use.hpp).
// Memory is that of the fullest rank at its fullest moment. MFU and TFLOP/s count the model's FLOPs
// as Megatron-LM does (workload/flops.hpp), once with all of attention and once with the causal
// half; HFU adds to the former what was recomputed. Nothing here prints: text.hpp, json.hpp and
// metrics.hpp read it.
#pragma once

#include "engine/engine.hpp"
#include "parallel/plan.hpp"
#include "program/program.hpp"
#include "report/expectations.hpp"
#include "report/interval.hpp"
#include "report/verdict.hpp"
#include "scenario/scenario.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace orrery {

/// What is to be run, as headings say it.
struct RunFacts {
  std::string scenario;
  std::string description;
  std::string cluster;
  std::string gpu;
  std::string
      kernels_from;  ///< the GPU whose measured kernels stand for this one's, if not its own
  std::string software;
  Job job;
  Strategy strategy;
  std::int64_t micro_batches = 1;
  std::int64_t gpus_required = 1;
  std::int64_t gpus_available = 1;
};

struct ModelFacts {
  std::string name;
  double parameters_total = 0.0;
  double parameters_active = 0.0;
  Bytes expert_bytes;     ///< of all routed experts, in the type that parameters are kept in
  Bytes attention_bytes;  ///< of all attention layers
};

/// How the model and the batch are divided; counts are those of the fullest rank.
struct RankShare {
  std::int64_t layers = 0;
  std::int64_t experts = 0;           ///< of each layer that has experts; 0 for dense models
  std::int64_t expert_instances = 0;  ///< of the whole model: experts times layers that have them
  std::int64_t hidden_columns = 0;    ///< of the attention and residual width
  std::int64_t ffn_columns = 0;       ///< of the inner width of a dense feed-forward layer
  std::int64_t heads = 0;
  std::int64_t sequences = 0;              ///< of a step
  std::int64_t sequences_per_replica = 0;  ///< of the ranks that together hold every expert once
  double parameters = 0.0;
};

struct TimeShares {
  Seconds compute;
  Seconds exposed_tp;
  Seconds exposed_cp;
  Seconds exposed_ep;
  Seconds exposed_pp;
  Seconds exposed_dp;
  Seconds bubble;
  Seconds optimizer;
  Seconds other;

  /// Exchanges that computing did not hide.
  Seconds exposed() const { return exposed_tp + exposed_cp + exposed_ep + exposed_pp + exposed_dp; }
  Seconds sum() const { return compute + exposed() + bubble + optimizer + other; }
};

struct Speed {
  double tokens_per_s = 0.0;
  double sequences_per_s = 0.0;
  double tokens_per_s_per_gpu = 0.0;
  double model_tflops_per_gpu = 0.0;
  double mfu = 0.0;
  double mfu_causal = 0.0;
  double hfu = 0.0;
  double gpu_busy_fraction = 0.0;
  double bubble_fraction = 0.0;
  double busy_imbalance = 0.0;    ///< of the rank that computes longest, over the mean, less 1
  double expert_imbalance = 0.0;  ///< rows of the fullest expert rank over the mean, less 1
};

struct MemorySummary {
  Bytes capacity;  ///< what the software may use of a GPU
  Bytes peak;
  /// The most that its allocator took of the GPU at once; the peak itself for an exact one.
  Bytes reserved;
  BytesByCategory held{};  ///< at the peak
  RankId peak_rank{};      ///< the first of the fullest ranks
  std::int64_t stage = 0;  ///< the pipeline stage that it is of
  Seconds at;
  std::string during;  ///< "expert_up.forward of layer 3, micro-batch 0"

  bool fits() const { return reserved <= capacity; }
  Bytes headroom() const { return capacity - reserved; }  ///< negative when it does not fit
  double peak_fraction() const { return peak / capacity; }
  double reserved_fraction() const { return reserved / capacity; }
};

/// All links of a kind. Utilisation is bytes ÷ (capacity · step time).
struct LinkSummary {
  std::string kind;
  std::string busiest;
  BytesPerSecond capacity;           ///< of the busiest link
  double mean_utilization = 0.0;     ///< of the busiest link, over the step
  double peak_utilization = 0.0;     ///< of the busiest link, at its best moment
  double average_utilization = 0.0;  ///< over all links of the kind
  std::int64_t links = 0;
};

/// One pipeline stage; times of its average rank, memory of its fullest.
struct StageSummary {
  std::int64_t stage = 0;
  std::int64_t ranks = 0;
  std::int64_t layers = 0;
  Seconds busy;  ///< computing, the optimizer and the rest of the compute lane's work
  Seconds exposed;
  Seconds bubble;
  Bytes peak;
  RankId slowest_rank{};        ///< the first of those that compute longest
  double busy_imbalance = 0.0;  ///< the slowest rank's computing over the mean, less 1
};

/// How tokens met experts: averages over the layers that have some, of dense models none.
struct RoutingSummary {
  double imbalance = 1.0;        ///< rows of the fullest of the ranks that share experts, over mean
  double worst_imbalance = 1.0;  ///< of the worst layer
  std::int64_t worst_layer = 0;
  double expert_imbalance = 1.0;  ///< picks of the fullest expert, over the mean
  double dropped_fraction = 0.0;  ///< of all copies of tokens
  double dropped = 0.0;           ///< copies of a step
  double padded_fraction = 0.0;   ///< rows that are padding, for each copy picked
  bool uneven = false;            ///< whether any of it can differ from an even, dropless routing
  Seconds forced_step_time{};     ///< of the same plan, every expert forced to be as full

  /// What the routing costs of that.
  double cost(Seconds step) const {
    return forced_step_time.value() > 0.0 ? step / forced_step_time - 1.0 : 0.0;
  }
};

/// US dollars; all zero when no price is known.
struct Price {
  double per_hour = 0.0;
  double per_step = 0.0;
  double per_million_tokens = 0.0;

  bool known() const { return per_hour > 0.0; }
};

/// What the simulation itself cost: measured by whoever ran it.
struct SimulationCost {
  double wall_s = 0.0;
  std::int64_t peak_rss_bytes = 0;
};

struct SimulationFacts {
  SimulationCost cost;
  std::uint64_t events = 0;
  std::int64_t classes = 0;
  std::int64_t ranks = 0;
};

struct Summary {
  RunFacts run;
  ModelFacts model;
  RankShare share;
  bool feasible = false;  ///< memory fits, GPUs are there, nothing else that stops a real run
  std::vector<Verdict> verdicts;  ///< errors first, then warnings, then advice
  Seconds step_time;              ///< the latency of passes that do not train
  /// How far it may be off; nothing for a program whose kernels nobody knows.
  std::optional<StepInterval> interval;
  Speed speed;
  TimeShares time;
  MemorySummary memory;
  std::vector<LinkSummary> links;    ///< by kind, in the order of their names
  std::vector<StageSummary> stages;  ///< one without a pipeline
  RoutingSummary routing;
  Price price;
  std::vector<Judgement> expects;  ///< in the order of the scenario
  SimulationFacts simulation;
};

struct SummaryInput {
  const Scenario& scenario;
  const Plan& plan;
  const Program& program;
  const RunResult& result;
  SimulationCost cost{};
  /// Of the same scenario with a forced routing, where that differs from its own.
  std::optional<Seconds> forced_step_time{};
  const EvidenceBook* evidence = nullptr;  ///< of the program's kernels
};

/// Everything there is to say about a run, claims judged and advice given.
Summary summarize(const SummaryInput& input);

/// Nothing failed: the run is feasible and every expectation holds. Decides between exit 0 and 1.
bool passed(const Summary& summary);

}  // namespace orrery
