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

/// Overlap of a product with the exchange beside it (Transformer Engine's user buffers): the
/// exchange goes by in pieces, of which the product needs only the first to begin, or only the last
/// is left when it ends. The kernel's first stamp runs beside a gather that its second waits for,
/// or a scatter begins after the first and goes on beside the second.
enum class Chunked : std::uint8_t { no, after_gather, before_scatter };

struct OpStamp {
  std::vector<ExchangeStamp> before_forward;
  std::vector<KindId> forward;
  std::vector<KindId> forward_again;  ///< the same kernels, marked as recomputation
  std::vector<ExchangeStamp> after_forward;
  std::vector<ExchangeStamp> before_backward;
  std::vector<KindId> input_gradient;
  std::vector<KindId> weight_gradient;
  std::vector<ExchangeStamp> after_backward;
  std::vector<KindId> take_workspace;  ///< none or one
  std::vector<KindId> give_workspace;
  bool recomputed = false;
  bool once = false;  ///< with the first micro-batch of a step alone
  Chunked forward_chunked = Chunked::no;
  Chunked backward_chunked = Chunked::no;
};

struct LayerTemplate {
  std::vector<OpStamp> ops;
  Bytes held;     ///< from forward to backward
  Bytes rebuilt;  ///< from the start of backward to its end
};

/// What templates are made with: one stage's script and the tables it shares with the others.
struct StageTools {
  const Plan& plan;
  std::int64_t stage;
  ProgramBuilder& program;
  ScriptBuilder& script;
  OperationTables& operations;
  const KernelLowering& kernels;

  /// A task kind that joins `operation` of the groups of `kind`; the slot is added to the script
  /// when new.
  KindId join(const GroupKind& kind, const OperationSpec& operation);
  KindId allocate(MemoryCategory category, Bytes bytes);
  KindId release(MemoryCategory category, Bytes bytes);
};

/// The lane on which exchanges along an axis are queued.
std::string_view lane_name(GroupAxis axis);

CollectiveKind collective_kind(ExchangeKind kind);

/// How the tokens of a plan's model spread over the ranks that hold its experts.
TokenSpread token_spread(const Plan& plan);

LayerTemplate make_template(const LayerPlan& layer, StageTools& tools);

}  // namespace orrery
