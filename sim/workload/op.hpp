// An operation of the model, before anybody shards it: the table that all parallel dimensions work on.
//
// An Op states its sizes per token and *which axis of the model each size lies on*; what a dimension
// does follows from the axis alone (tensor parallelism divides heads, ffn and vocabulary; expert
// parallelism divides experts; context parallelism divides the sequence …), so a new layer or a new dimension is one file and
// edits none. Where the op stands between regions says which exchange a dimension inserts:
//
//   region `sequence`  every token's whole width is needed; tokens may be divided (norms, residuals)
//   region `tensor`    all tokens of the sequence, width divided (column- then row-parallel products)
//   region `expert`    tokens travel to the rank that holds their expert
//
// `enters` marks the first op of a region, `leaves` the last; in `tensor` the result of a leaving op is a
// partial sum. Elements are counted per token and have the workload's type; bytes come at lowering.
#pragma once

#include <cstdint>
#include <string>
#include <span>
#include <string_view>
#include <vector>

#include "workload/model.hpp"
#include "workload/software.hpp"

namespace orrery {

enum class OpKind : std::uint8_t { product, grouped_product, attention, memory_bound };

enum class Axis : std::uint8_t { none, heads, kv_heads, ffn, vocabulary, experts, expert_ffn };

enum class Region : std::uint8_t { sequence, tensor, expert };

/// A size and the axis it lies on.
struct Extent {
  double size = 0.0;
  Axis axis = Axis::none;
};

struct Op {
  std::string name;         ///< "qkv", "attention_core", "ffn_down": with the phase, the kernel's name
  std::string_view module;  ///< what selective recomputation names: "attention_core", "norm", "ffn", …
  OpKind kind = OpKind::memory_bound;
  Region region = Region::sequence;
  bool enters = false;
  bool leaves = false;

  // Products, per token: n outputs from k inputs. Grouped: of each of the `experts` that a rank holds.
  Extent n;
  Extent k;

  // Attention: what the kernel needs beyond the sequence length.
  Extent heads;
  Extent kv_heads;
  std::int64_t qk_dim = 0;
  std::int64_t v_dim = 0;
  std::int64_t window = 0;

  // Memory-bound: elements read and written per token. Several terms, each on its own axis.
  std::vector<Extent> forward_elements;
  std::vector<Extent> backward_elements;

  // What the op keeps.
  std::vector<Extent> parameters;  ///< whole model's, not per token; grouped: of all experts
  std::vector<Extent> saved;       ///< elements per token kept from forward to backward
  double saved_bytes = 0.0;        ///< bytes per token that do not follow the type (masks, indices, fp32 statistics)
  std::vector<Extent> workspace;   ///< elements per token alive only while it runs (fp32 logits: see bytes)
  double workspace_bytes = 0.0;

  /// Tokens it sees per token of the micro-batch: top_k in the expert region, else 1.
  double tokens_factor = 1.0;
};

/// A layer's operations in order, forward; backward is their reverse.
struct LayerInput {
  const Model& model;
  const Software& software;
  std::int64_t layer = 0;  ///< from 0
};

/// Part of a layer. One per file of workload/layers; a transformer layer is an attention part and a feed-forward part.
struct Layer {
  std::string_view name;
  std::string_view description;
  /// Appends the layer's operations.
  std::vector<Op> (*ops)(const LayerInput& input);
};
std::span<const Layer* const> registered_layers();

/// The operations of transformer layer `layer` (MTP layers count on from the last): which parts it has follows from the model.
std::vector<Op> layer_ops(const LayerInput& input);
/// The embedding before the first layer; the final norm, output projection and loss after the last.
std::vector<Op> embedding_ops(const LayerInput& input);
std::vector<Op> head_ops(const LayerInput& input);

}  // namespace orrery
