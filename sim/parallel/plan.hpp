// The plan: who computes what, where. Every op's share on one rank, what it exchanges, what each
// pipeline stage holds in memory. Between the scenario and the Program; knows neither time nor
// links.
//
// Layers that are alike (same ops, same sizes) are planned once: a stage is a list of references to
// them. Memory of parameters, gradients and optimizer state per stage follows ZeRO's division: 0
// keeps all of it on every replica, 1 divides the optimizer state (with the master weights), 2 the
// gradients too, 3 the parameters too, over dp·cp for dense and over expert_dp for expert
// parameters, or over a dp_replicate-th of either (Rajbhandari et al. 2020; Megatron-LM
// dist_optimizer.md). What 2 and 3 hold for a while besides is sharding.hpp's.
//
// Where routing is uneven, ranks that share experts differ: `loads` says what each gets of every
// layer, `layers` has what an even routing would give, and layer_on() the plan of one of them.
//
// What allocators lose (Software::allocator_overhead) is added to every layer's activations and
// workspace.
#pragma once

#include "base/quantity.hpp"
#include "cluster/cluster.hpp"
#include "parallel/dimension.hpp"
#include "parallel/expert_load.hpp"
#include "parallel/mesh.hpp"
#include "program/task.hpp"
#include "schedule/schedule.hpp"
#include "workload/software.hpp"

#include <cstdint>
#include <vector>

namespace orrery {

/// An op with the sizes that one rank has.
struct ShardedOp {
  Op op;                ///< sizes divided
  double tokens = 0.0;  ///< rows it sees of one micro-batch, copies of tokens counted
  double rows = 0.0;    ///< those it has: others than `tokens` where routing is uneven
  /// Of a grouped product where routing is uneven: the rows of each expert that has any.
  std::vector<double> expert_rows;
  Exchanges exchanges;
  double parameters = 0.0;   ///< on this rank
  Bytes saved;               ///< of one micro-batch, from forward to backward
  Bytes workspace;           ///< alive while it runs forward
  Bytes backward_workspace;  ///< and backward
  double model_flops =
      0.0;                  ///< forward, of one micro-batch: this rank's equal share of the model's
  bool recomputed = false;  ///< nothing saved: runs again before its backward
};

/// Embedding and head are never recomputed; layers as the strategy says.
enum class Recomputable : std::uint8_t { no, yes };

/// Alike layers, planned once, as an even routing has them.
struct LayerPlan {
  std::string name;  ///< "dense layer", "expert layer", "embedding", "head"
  Recomputable recomputable = Recomputable::no;
  std::vector<ShardedOp> ops;
  double dense_parameters = 0.0;   ///< replicated over dp · cp
  double expert_parameters = 0.0;  ///< replicated over expert_dp
  double narrow_dense = 0.0;       ///< of these, of products in the scenario's precision
  double narrow_expert = 0.0;
  /// Of the dense ones, those that every tensor rank holds whole and sees a part of the tokens
  /// with: their gradients are sums over tp (sequence parallelism).
  double summed_parameters = 0.0;
  Bytes saved;               ///< sum over ops, after recomputation took its part
  bool holds_input = false;  ///< the layer's input is among what is saved: it is rebuilt from it
  Bytes rebuilt;             ///< what recomputation brings back for the layer's backward
  /// What the weight gradients need once the input gradient is there, when backward is split: both
  /// operands of every product with weights.
  Bytes until_weights;
  Bytes boundary;   ///< the layer's input of one micro-batch
  Bytes transient;  ///< forward only: the most that an op's input and output hold at once
};

/// A layer of a stage: which plan, and which number it has in the model.
struct PlacedLayer {
  std::size_t plan = 0;
  std::uint16_t number = none_16;
};

/// What one chunk (virtual stage) of a rank runs, in forward order.
struct ChunkPlan {
  VirtualStage virtual_stage;
  std::vector<PlacedLayer> layers;
};

struct StagePlan {
  std::vector<ChunkPlan> chunks;
  double dense_parameters = 0.0;
  double expert_parameters = 0.0;
  double narrow_dense = 0.0;
  double narrow_expert = 0.0;
  BytesByCategory
      resident{};           ///< parameters, gradients, optimizer, kv_cache, communication, overhead
  Bytes optimizer_on_host;  ///< state that is offloaded, and not among `resident`
};

struct Plan {
  Model model;
  Software software;
  Job job;
  Strategy strategy;
  Mesh mesh;
  std::int64_t micro_batches = 1;  ///< of the replica that has the most
  const Schedule* schedule = nullptr;
  PipelineShape pipeline;
  std::vector<LayerPlan> layers;  ///< distinct ones
  std::vector<LayerLoad> loads;   ///< by layer of the model; none: routing is even
  /// Parameters of the embedding's copy on the last stage, which tied weights and multi-token
  /// prediction need; counted among its head's. 0 if there is none.
  double embedding_copy = 0.0;
  std::vector<StagePlan> stages;      ///< by pipeline rank
  Bytes boundary_bytes;               ///< what one micro-batch sends from stage to stage
  double model_flops = 0.0;           ///< of a whole step, by the model's formula (full convention)
  std::vector<VertexId> gpu_of_rank;  ///< placement

  /// Of the replica that a rank belongs to.
  std::int64_t micro_batches_of(RankId rank) const;
  /// Of all replicas together.
  std::int64_t micro_batches_in_all() const { return job.global_batch / job.micro_batch; }
  bool training() const { return job.kind == JobKind::training; }
};

struct PlanInput {
  const Model& model;
  const Software& software;
  const Job& job;
  const Strategy& strategy;
};

/// Plans a legal strategy (scenario/validate.hpp has seen to that).
Plan make_plan(const PlanInput& input);

/// What every virtual stage holds, in order: as many layers each, and where they do not divide
/// fewer in the last one, which has the loss and the layers that predict ahead (as Megatron
/// Bridge's recipes for DeepSeek-V3, Kimi K2 and Moonlight lay them out), or one fewer in each of
/// the last ones if more are missing than one stage has; or as the strategy's stage_layers says,
/// with the embedding before the first and the loss and layers that predict ahead after the last;
/// or all as its layout says.
std::vector<StageShare> shares_of_virtual_stages(const Model& model, const Strategy& strategy);
/// The transformer layers of these.
std::vector<std::int64_t> layers_per_virtual_stage(const Model& model, const Strategy& strategy);

/// The load of a layer's experts where routing is uneven, else null.
const LayerLoad* load_of(const Plan& plan, const PlacedLayer& layer);
/// The plan of a layer on one of the ranks that share its experts, by its coordinate ep.
LayerPlan layer_on(const Plan& plan, const PlacedLayer& layer, std::int64_t expert_rank);
/// For each rank that shares a stage's experts the first one that has the same load in every layer
/// of the stage; one rank where routing is even.
std::vector<std::int64_t> alike_expert_ranks(const Plan& plan, const StagePlan& stage);

/// What a rank of a stage holds throughout a step.
BytesByCategory resident_memory(const StagePlan& stage, const PlanInput& input);

}  // namespace orrery
