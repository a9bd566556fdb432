// A layer of one stage as stamps: the kinds of its tasks in the order in which they are launched,
// made once and stamped for every micro-batch and every alike layer.
#pragma once

#include "lower/kernels.hpp"
#include "lower/operations.hpp"
#include "program/builder.hpp"

#include <string_view>
#include <vector>

namespace orrery {

/// An exchange as a task: on which lane it is queued and what it does.
struct ExchangeStamp {
  std::uint16_t lane = 0;
  KindId kind{};
  Exchange::For needed_for = Exchange::For::everything;
};

/// A step beside a ring: what it sends on and takes in, and where its kernels end in their list.
struct RingStepStamp {
  KindId send{};
  KindId receive{};
  bool travels = false;  ///< sends and receives; the last block stays
  StepEnd end;
};

/// A pass through an op in steps, with the lanes on which blocks travel.
struct RingStamp {
  std::uint16_t send_lane = 0;
  std::uint16_t receive_lane = 0;
  Ring::Arrivals arrivals = Ring::Arrivals::worked_on;
  std::vector<RingStepStamp> steps;  ///< none: the kernels run one after the other
};

struct OpStamp {
  std::vector<ExchangeStamp> before_forward;
  RingStamp forward_ring;
  RingStamp backward_ring;
  std::vector<KindId> forward;
  std::vector<KindId> forward_again;  ///< the same kernels, marked as recomputation
  std::vector<ExchangeStamp> after_forward;
  std::vector<ExchangeStamp> before_backward;
  std::vector<KindId> input_gradient;
  std::vector<KindId> weight_gradient;
  std::vector<ExchangeStamp> after_backward;
  std::vector<KindId> take_workspace;  ///< none or one
  std::vector<KindId> give_workspace;
  std::vector<KindId> take_backward_workspace;
  std::vector<KindId> give_backward_workspace;
  bool recomputed = false;
  bool once = false;  ///< with the first micro-batch of a step alone
};

struct LayerTemplate {
  std::vector<OpStamp> ops;
  Bytes held;           ///< from forward to backward
  Bytes rebuilt;        ///< from the start of backward to its end
  Bytes until_weights;  ///< of a backward in halves: from the end of one to that of the other
  Bytes transient;      ///< of a pass that does not train: while it is in the layer
};

/// What templates are made with: a script of one stage, of those of its ranks that have the same
/// load as `expert_rank`, and the tables it shares with the others.
struct StageTools {
  const Plan& plan;
  std::int64_t stage;
  std::int64_t expert_rank;
  ProgramBuilder& program;
  ScriptBuilder& script;
  OperationTables& operations;
  const KernelLowering& kernels;

  /// A task kind that joins `operation` of the groups of `kind`; the slot is added to the script
  /// when new.
  KindId join(const GroupKind& kind, const OperationSpec& operation, Role role = Role::member);
  KindId allocate(MemoryCategory category, Bytes bytes);
  KindId release(MemoryCategory category, Bytes bytes);
};

/// The lane on which exchanges along an axis are queued.
std::string_view lane_name(GroupAxis axis);

CollectiveKind collective_kind(ExchangeKind kind);

/// How the tokens of a plan's model spread over the ranks that hold its experts, in a layer of this
/// load or, without one, evenly.
TokenSpread token_spread(const Plan& plan, const LayerLoad* load = nullptr);

/// Of a layer as the ranks of the script have it.
LayerTemplate make_template(const PlacedLayer& placed, StageTools& tools);

}  // namespace orrery
