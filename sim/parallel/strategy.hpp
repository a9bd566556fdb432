// The parallel strategy as the user states it, and its normal form.
//
// gpus = tp · cp · pp · dp. Experts are spread inside the dp · cp · tp ranks of a pipeline stage
// ("parallel folding", Megatron-Core): ep · etp divides dp · cp · tp and never multiplies the world
// size. Deployment plans write EP16_TP1_PP1_DP4 and multiply all four: that text means replicas of
// an expert-parallel group, so ep = 16 and dp = 16·4.
#pragma once

#include "base/settings.hpp"
#include "parallel/expert_placement.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

enum class Recompute : std::uint8_t { none, selective, full };

/// What a virtual stage holds of the model.
struct StageShare {
  bool embedding = false;
  std::int64_t layers = 0;
  std::int64_t mtp_layers = 0;
  bool loss = false;

  bool operator==(const StageShare&) const = default;
};

struct Strategy {
  std::int64_t tp = 1;
  bool sp = false;
  std::int64_t cp = 1;
  /// How the tokens of a context group meet in attention: p2p (keys and values go around a ring),
  /// all_gather (they are gathered), a2a (heads are divided instead), a2a+p2p (both).
  std::string cp_comm_type = "p2p";
  bool cp_comm_type_given = false;
  /// Of a2a+p2p: ranks that divide heads, neighbours in cp, and rings over groups of them.
  std::vector<std::int64_t> hierarchical_context_parallel_sizes;
  std::int64_t pp = 1;
  std::int64_t vpp = 1;
  std::int64_t ep = 1;
  std::int64_t etp = 1;
  std::int64_t dp = 1;  ///< derived from gpus when not given
  bool dp_given = false;
  std::string schedule = "1f1b";
  std::int64_t zero = 0;
  std::int64_t dp_replicate = 1;      ///< copies of what ZeRO divides over the rest of dp · cp
  std::int64_t fsdp_unit_layers = 1;  ///< layers whose parameters are gathered together
  std::int64_t fsdp_prefetch = 1;     ///< units gathered ahead of the one that computes
  std::optional<bool> reshard_after_forward;
  std::optional<bool> no_sync;
  Recompute recompute = Recompute::none;
  std::vector<std::string> recompute_modules;
  bool recompute_modules_given = true;
  std::int64_t recompute_layers = 0;  ///< 0: all of a stage
  std::vector<std::string> overlap;
  bool overlap_given = false;
  /// Of passes that run together to hide exchanges with experts: whether weight gradients are put
  /// off to run beside them.
  bool delay_wgrad = false;
  std::string dispatcher = "alltoall";
  std::int64_t redundant_experts = 0;  ///< replicas of experts of a layer, over all of its ranks
  ExpertPlacement expert_placement = ExpertPlacement::in_order;
  std::string cuda_graph = "none";
  bool cuda_graph_given = false;
  std::vector<std::string> offload;
  /// Of each chunk, how many layers' activations are offloaded, the first ones; 0: all but its
  /// last, which is needed next.
  std::int64_t offload_layers = 0;
  std::string order = "tp-cp-ep-dp-pp";
  /// Sequences of each replica a step, or of as many neighbouring ones as there are replicas to an
  /// entry; empty: all have as many.
  std::vector<std::int64_t> replica_batch;
  std::vector<std::int64_t>
      stage_layers;         ///< layers of each virtual stage; empty: as even as can be
  std::string layout_text;  ///< strategy.layout, as given
  std::vector<StageShare>
      layout;  ///< what it says (layout.hpp); empty: stage_layers or even shares
  SourcePosition position;

  /// Sequences of a replica a step, of `global_batch` in all.
  std::int64_t batch_of_replica(std::int64_t replica, std::int64_t global_batch) const;
  /// The most that a replica has.
  std::int64_t largest_batch(std::int64_t global_batch) const;
  bool has_uneven_batches() const;
  std::int64_t world_size() const { return tp * cp * pp * dp; }
  /// Copies of the weights in one pipeline, as its schedule has them.
  std::int64_t weight_copies() const;
  /// Replicas of an expert over the ranks of a stage.
  std::int64_t expert_dp() const { return tp * cp * dp / (ep * etp); }
  /// Ranks over which ZeRO divides what dense parameters need, and what experts need.
  std::int64_t dense_shards() const { return dp * cp * weight_copies() / dp_replicate; }
  std::int64_t expert_shards() const { return expert_dp() * weight_copies() / dp_replicate; }
  /// ZeRO 3: whether gathered parameters are given up between forward and backward. Pipelines keep
  /// them through the step unless told otherwise, as torchtitan does.
  bool reshards_after_forward() const { return reshard_after_forward.value_or(pp == 1); }
  /// ZeRO 2 and 3: whether gradients add up whole until the last micro-batch and are reduced once;
  /// otherwise every micro-batch reduces its own.
  bool defers_reduction() const { return no_sync.value_or(zero == 3 && pp > 1); }
  bool overlaps(std::string_view what) const;
  bool offloads(std::string_view what) const;
  /// By how many ranks of cp attention divides heads, and around how many its keys and values go;
  /// 1 where it does not.
  std::int64_t cp_heads() const;
  std::int64_t cp_ring() const;
  /// Whether recompute_modules names the module, or one of those it is part of:
  /// "moe/moe_activation" is recomputed with "moe" and with "moe_activation". Meant for selective
  /// recomputation.
  bool recomputes(std::string_view module) const;
};

/// What cp_comm_type may be, in Transformer Engine's words; the first is its default.
const std::vector<std::string>& context_exchange_names();

/// Reads `[strategy]` (a table, or nothing: all defaults) or `strategy = "EP16_TP1_PP1_DP1"` (a
/// text) of a scenario. `dp` stays 1 with dp_given false when it is to be derived.
Strategy read_strategy(const Settings& scenario);

/// "tp 2 · sp · pp 8 · ep 8 · dp 8 (128 GPUs)": the normal form that is printed back.
std::string to_string(const Strategy& strategy);
/// "EP16_TP1_PP1_DP4": the text form of deployment plans. It can say only what has ep dividing dp;
/// for anything else, the normal form.
std::string deployment_text(const Strategy& strategy);

}  // namespace orrery
