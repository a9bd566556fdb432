// How tokens meet experts: `[workload.routing]` of a scenario.
//
//   forced      every expert is picked exactly as often as every other, as benchmarks force it
//   uniform     each token picks its experts evenly at random: the fullest is fuller than the mean
//   zipf        the n-th most popular expert is picked in proportion to 1 / n^exponent; which one
//               that is, is drawn for every layer
//   dirichlet   popularities of every layer are drawn from the symmetric Dirichlet law: a small
//               concentration makes few experts popular, a large one comes near to `uniform`
//   trace       counts that were recorded, layer by layer (routing_trace.hpp)
//
// A token's experts are distinct: a set is picked in proportion to the product of its experts'
// popularities (routing_counts.hpp). With a capacity factor an expert takes at most that many times
// the mean of the tokens of every rank that sends to it; the rest are dropped, their rows never
// travel (GShard, arXiv 2006.16668, section 2.2; Megatron-Core, moe_expert_capacity_factor). Where
// a stack pads experts to their capacity (moe_pad_expert_input_to_capacity), every expert computes
// all of it and the padding travels as well.
#pragma once

#include "base/settings.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

enum class RoutingKind : std::uint8_t { forced, uniform, zipf, dirichlet, trace };
std::string_view to_string(RoutingKind kind);

/// Recorded picks of each expert, by layer of the model.
using RoutingTrace = std::map<std::int64_t, std::vector<std::int64_t>>;

struct Routing {
  RoutingKind kind = RoutingKind::uniform;
  double exponent = 1.0;       ///< zipf
  double concentration = 1.0;  ///< dirichlet
  std::uint64_t seed = 1;      ///< the scenario's unless given
  bool seed_given = false;
  double capacity_factor = 0.0;  ///< 0: dropless
  bool pad_to_capacity = false;
  std::string trace_path{};                  ///< as given
  std::optional<std::int64_t> trace_step{};  ///< of a trace of several; its first unless given
  RoutingTrace trace{};                      ///< what the file holds of that step
  SourcePosition trace_position{};

  /// Nothing is drawn, recorded, dropped or padded.
  bool even() const {
    const bool drops = capacity_factor > 0.0 && capacity_factor < 1.0;
    return kind == RoutingKind::forced && !drops && !pad_to_capacity;
  }
};

/// Reads the table `routing` of a workload; the file of a trace is left to who knows where it lies.
Routing read_routing(const Settings& workload);

}  // namespace orrery
