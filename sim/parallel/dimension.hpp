// A parallel dimension: what it divides, which tokens a rank still sees, and what must be
// exchanged.
//
// The sharding table of workload/op.hpp is the interface: an op says on which axis each of its
// sizes lies and in which region it stands; a dimension answers three questions about axes and
// regions and never asks which layer it looks at. Sizes are divided by the product over dimensions,
// tokens multiplied by the product of shares; exchanges are collected in the order of the
// dimensions (registered by file name: context, its three forms of attention, expert, tensor)
// before an op and in the reverse order after it. A ring is no exchange around an op but through
// it: the op is done in steps beside it.
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

/// Who moves blocks: kernels of the collective library, or inside a domain the GPU's copy engines,
/// which hold no SMs.
enum class Carrier : std::uint8_t { library, copy_engines };

/// Blocks that go around a ring of a group while an op is done in steps, one for each rank of it.
/// Beside the kernels of a step travels the block they work on, or what the steps before made.
struct Ring {
  /// What the rank before sent: the next step works on it, or it is added up after the last one.
  enum class Arrivals : std::uint8_t { worked_on, added_up };

  std::string name;  ///< "key_value_block"
  GroupAxis group = GroupAxis::cp;
  Component component = Component::cp;
  std::vector<Bytes> sent;  ///< by step, 0: nothing travels beside it; empty: there is no ring
  Arrivals arrivals = Arrivals::worked_on;
  Carrier carrier = Carrier::library;
};

/// The exchanges of one op.
struct Exchanges {
  std::vector<Exchange> before_forward;
  std::vector<Exchange> after_forward;
  std::vector<Exchange> before_backward;
  std::vector<Exchange> after_backward;
  Ring forward_ring{};
  Ring backward_ring{};
  Bytes forward_buffers;   ///< alive while the op runs, for what arrives
  Bytes backward_buffers;  ///< likewise in backward
};

/// What the experts of a rank get against an even routing (expert_load.hpp).
struct ExpertShare {
  double rows = 1.0;    ///< that the rank computes, for each that it would
  double sent = 1.0;    ///< copies that travel, for each that is picked
  bool uneven = false;  ///< ranks get different numbers of rows
};

struct ShardInput {
  const Model& model;
  const Strategy& strategy;
  const Job& job;
  ExpertShare experts{};
};

struct Dimension {
  std::string_view name;
  std::string_view description;
  std::int64_t (*degree)(const Strategy& strategy);
  /// By how much it divides sizes on an axis in a region; 1 for those that it leaves alone.
  std::int64_t (*divides)(Axis axis, Region region, const ShardInput& input);
  /// Tokens that a rank sees in a region, per token that it would see without this dimension.
  double (*token_share)(Region region, const ShardInput& input);
  /// What it exchanges around an op whose sizes are per token and already divided. `tokens` are
  /// those of the op's region on this rank, among experts as an even routing has it; sizes follow
  /// from them.
  Exchanges (*exchanges)(const Op& op, double tokens, const ShardInput& input);
};
std::span<const Dimension* const> registered_dimensions();

/// Leaves every size whole; what Dimension::divides is for dimensions that divide tokens alone.
inline std::int64_t divides_nothing(Axis, Region, const ShardInput&) { return 1; }
/// Leaves every token; likewise Dimension::token_share.
inline double all_tokens(Region, const ShardInput&) { return 1.0; }

}  // namespace orrery
