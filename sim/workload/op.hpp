// An operation of the model, before anybody shards it: the table that parallel dimensions work on.
//
// An Op states its sizes per token and *which axis of the model each size lies on*; what a
// dimension does follows from the axis alone (tensor parallelism divides heads, ffn and vocabulary;
// expert parallelism divides experts; context parallelism divides the sequence …), so a new layer
// or a new dimension is one file and edits none. Where the op stands between regions says which
// exchange a dimension inserts:
//
//   region `sequence`  every token's whole width is needed, tokens may be divided (norms, adds)
//   region `tensor`    all tokens of the sequence, width divided (column- then row-parallel)
//   region `attention` within it, the kernel that needs whole sequences: with the sequence divided,
//                      tokens meet in it, or heads are divided further instead
//   region `expert`    tokens travel to the rank that holds their expert
//
// `enters` marks the first op of a region, `leaves` the last; in `tensor` the result of a leaving
// op is a partial sum. Several ops may enter one after another, each with an input of its own
// (latent attention); the output projection enters and nothing leaves, as the loss is a number per
// token. Elements are counted per token and have the workload's activation type, so an fp32 tensor
// beside 16-bit ones counts two elements; bytes come at lowering. Statistics of norms and softmax,
// a few bytes per token, are neglected, as the published closed forms do.
#pragma once

#include "hardware/kernel_times.hpp"
#include "workload/job.hpp"
#include "workload/model.hpp"
#include "workload/software.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

/// weight_cast: memory-bound as well, but over the op's weights, and only where the stack casts
/// them.
enum class OpKind : std::uint8_t { product, grouped_product, attention, memory_bound, weight_cast };

enum class Axis : std::uint8_t { none, heads, kv_heads, ffn, vocabulary, experts, expert_ffn };

enum class Region : std::uint8_t { sequence, tensor, attention, expert };

/// What selective recomputation can name: modules of ops, and "alternate_products", which runs
/// every second product again and all that is neither product nor attention (torchtitan's selective
/// op checkpointing).
const std::vector<std::string>& recomputable_modules();
inline constexpr std::string_view alternate_products = "alternate_products";

/// A size and the axes it lies on (which axes divide it; a size on two is divided by both): the
/// weights of all experts' up-projections have size experts · hidden · expert_ffn on the axes
/// `experts` and `expert_ffn`.
struct Extent {
  double size = 0.0;
  Axis axis = Axis::none;
  Axis second = Axis::none;
};

struct Op {
  std::string name;  ///< "qkv", "attention_core", "ffn_down": with the phase, the kernel's name
  /// What selective recomputation names: "attention_core", "norm", "ffn", …; "moe/moe_activation"
  /// is part of two modules and recomputed with either (Strategy::recomputes understands the path).
  std::string_view module;
  OpKind kind = OpKind::memory_bound;
  Region region = Region::sequence;
  bool enters = false;
  bool leaves = false;

  // Products, per token: n outputs from k inputs. Grouped: of each of the `experts` of a rank.
  Extent n;
  Extent n_more;  ///< further outputs on another axis: keys and values beside the queries
  Extent k;
  Extent experts;  ///< grouped: how many experts share the rows

  // Attention: what the kernel needs beyond the sequence length.
  Extent heads;
  Extent kv_heads;
  std::int64_t qk_dim = 0;
  std::int64_t v_dim = 0;
  std::int64_t window = 0;

  // Memory-bound: elements read and written per token, and how the kernel walks through them.
  // Several terms, each on its own axis. Of a weight_cast: elements of the whole model's weights,
  // not per token.
  MemoryKernel::Access access = MemoryKernel::Access::stream;
  std::vector<Extent> forward_elements;
  std::vector<Extent> backward_elements;

  // What the op keeps.
  std::vector<Extent> parameters;  ///< whole model's, not per token; grouped: of all experts
  /// Elements per token that the op *produces* (outputs and internals) and some backward needs, its
  /// own or a later op's; so that recomputing the op is what frees them. Inputs belong to their
  /// producer.
  std::vector<Extent> saved;
  double saved_bytes = 0.0;  ///< bytes per token that do not follow the type (masks, indices)
  /// Unfused attention keeps its scores: bytes per token, head and key.
  double saved_bytes_per_score = 0.0;
  std::vector<Extent> workspace;  ///< elements per token alive only while it runs
  double workspace_bytes = 0.0;   ///< the same, of what does not follow the type

  /// Tokens it sees per token of the micro-batch: top_k in the expert region, else 1.
  double tokens_factor = 1.0;
  /// In the expert region: of the elements those that are of the rank's own tokens, before they
  /// leave or after they came back, however many arrive in between.
  double own_share = 0.0;
  bool once = false;    ///< with the first micro-batch of a step alone
  bool narrow = true;   ///< a product of fp8 and the like if the job's are; router and head never
  bool counted = true;  ///< among the model's FLOPs; Megatron-LM leaves the router out
};

/// How tokens travel to the experts of a layer, as far as its kernels differ by it.
struct Dispatching {
  std::string_view dispatcher = "alltoall";
  std::int64_t ep = 1;
};

/// A layer's operations in order, forward; backward is their reverse.
struct LayerInput {
  const Model& model;
  const Software& software;
  std::int64_t layer = 0;  ///< from 0
  Job job{};               ///< whether it trains, and in which types
  Dispatching dispatching{};
};

/// Part of a layer. One per file of workload/layers; a transformer layer is an attention part and a
/// feed-forward part.
struct Layer {
  std::string_view name;
  std::string_view description;
  /// Appends the layer's operations.
  std::vector<Op> (*ops)(const LayerInput& input);
};
std::span<const Layer* const> registered_layers();

/// Floating-point operations of a forward pass per token that the op sees, as Megatron-LM counts
/// them: 2·n·k of products, 2·heads·keys·(qk_dim + v_dim) of attention with every key counted
/// (causal or not), nothing of the rest. Sizes may be whole or divided.
double forward_flops_per_token(const Op& op, const Job& job);

/// The operations of transformer layer `layer` (MTP layers count on from the last): which parts it
/// has follows from the model.
std::vector<Op> layer_ops(const LayerInput& input);
/// The embedding before the first layer; the final norm, output projection and loss after the last.
std::vector<Op> embedding_ops(const LayerInput& input);
std::vector<Op> head_ops(const LayerInput& input);

}  // namespace orrery
