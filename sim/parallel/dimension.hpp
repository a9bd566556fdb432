// A parallel dimension: what it divides, which tokens a rank still sees, and what must be
// exchanged.
//
// The sharding table of workload/op.hpp is the interface: an op says on which axis each of its
// sizes lies and in which region it stands; a dimension answers three questions about axes and
// regions and never asks which layer it looks at. Sizes are divided by the product over dimensions,
// tokens multiplied by the product of shares; exchanges are collected in the order of the
// dimensions (registered by file name: context, expert, tensor) before an op and in the reverse
// order after it.
#pragma once

#include "base/quantity.hpp"
#include "parallel/mesh.hpp"
#include "parallel/strategy.hpp"
#include "program/task.hpp"
#include "workload/job.hpp"
#include "workload/model.hpp"
#include "workload/op.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

/// Which operation, as collective/ names them; this folder need not know how they travel.
enum class ExchangeKind : std::uint8_t {
  all_reduce,
  all_gather,
  reduce_scatter,
  all_to_all,
  dispatch,  ///< tokens to experts by a dispatcher that looks at where they lie
  combine,   ///< and back
};

/// A collective that a dimension needs around an op. One that only the weight gradient needs (its
/// input gathered again) does not hold up the input gradient.
struct Exchange {
  enum class For : std::uint8_t { everything, weight_gradient };

  std::string name;  ///< "sequence_gather"
  ExchangeKind kind = ExchangeKind::all_reduce;
  GroupAxis group = GroupAxis::tp;
  Component component = Component::tp;
  Bytes size;  ///< as nccl-tests counts it
  For needed_for = For::everything;
};

/// The exchanges of one op.
struct Exchanges {
  std::vector<Exchange> before_forward;
  std::vector<Exchange> after_forward;
  std::vector<Exchange> before_backward;
  std::vector<Exchange> after_backward;
};

struct ShardInput {
  const Model& model;
  const Strategy& strategy;
  const Job& job;
};

struct Dimension {
  std::string_view name;
  std::string_view description;
  std::int64_t (*degree)(const Strategy& strategy);
  /// By how much it divides sizes on an axis; 1 for axes that it leaves alone.
  std::int64_t (*divides)(Axis axis, const ShardInput& input);
  /// Tokens that a rank sees in a region, per token that it would see without this dimension.
  double (*token_share)(Region region, const ShardInput& input);
  /// What it exchanges around an op whose sizes are per token and already divided. `tokens` are
  /// those of the op's region on this rank; sizes follow from them.
  Exchanges (*exchanges)(const Op& op, double tokens, const ShardInput& input);
};
std::span<const Dimension* const> registered_dimensions();

}  // namespace orrery
