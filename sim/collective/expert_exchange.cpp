#include "collective/expert_exchange.hpp"

#include "base/check.hpp"
#include "collective/layout.hpp"

#include <algorithm>
#include <array>

namespace orrery {

namespace {

constexpr double giga = 1e9;

/// Latencies in microseconds, rates in GB/s of rows; 0: nothing of its own.
struct Costs {
  double latency_inside = 0.0;   ///< of the kernel, on one domain
  double latency_between = 0.0;  ///< and over several
  double agree_inside = 0.0;     ///< on who gets how many
  double agree_between = 0.0;
  double per_sm_inside = 0.0;
  double per_sm_between = 0.0;  ///< which pass on what came over the network
  double ceiling = 0.0;         ///< of all SMs together
};

struct Directions {
  Costs dispatch;
  Costs combine;
};

struct Library {
  std::string_view name;
  std::int64_t sms = 0;        ///< unless told otherwise; 0: none while rows travel
  double payload_share = 1.0;  ///< of what crosses the wire
  Directions hopper;
  Directions blackwell;
};

// Fitted by tools/calibrate/dispatchers.py but for these. DeepEP's agreement between nodes:
// aiconfigurator@095f58a systems/data/h100_sxm/sglang/0.5.6.post2, notify times of 2 and 4 nodes
// averaged; inside a node they are not in the tables, and left out. Its kernels over several nodes
// of Blackwell are not either: as on Hopper. Its ceilings on Blackwell: 48 SMs (deepseek-ai/DeepEP
// docs/README_Hybrid-EP.md). Hybrid-EP's agreement: the same page, time by its Torch interface
// minus time of the kernel minus copies in and out of its buffers at 85 % of HBM; its latency:
// one-sided puts of one token on GB200. SMs: what Megatron-Core gives them
// (moe_deepep_num_sms, moe_hybridep_num_sms).
constexpr std::array libraries{
    Library{.name = "deepep",
            .sms = 20,
            .payload_share = 0.985,
            .hopper = {{26.9, 36.9, 0.0, 59.0, 17.0, 10.0, 337.0},
                       {49.1, 59.7, 0.0, 85.0, 18.9, 9.0, 345.0}},
            .blackwell = {{35.3, 36.9, 0.0, 59.0, 15.1, 10.0, 554.0},
                          {54.1, 59.7, 0.0, 85.0, 17.1, 9.0, 586.0}}},
    // The kernels that send and receive hold all SMs, for moments; between them nothing runs.
    Library{.name = "deepep_low_latency",
            .hopper = {{12.2, 22.9, 0.0, 0.0, 0.0, 0.0, 284.0},
                       {11.6, 26.8, 0.0, 0.0, 0.0, 0.0, 248.0}},
            .blackwell = {{17.4, 22.9, 0.0, 0.0, 0.0, 0.0, 541.0},
                          {17.0, 26.8, 0.0, 0.0, 0.0, 0.0, 720.0}}},
    Library{.name = "hybridep",
            .sms = 16,
            .payload_share = 0.845,
            .hopper = {{15.0, 15.0, 55.0, 55.0, 30.9, 30.9, 0.0},
                       {15.0, 15.0, 33.0, 33.0, 30.9, 30.9, 0.0}},
            .blackwell = {{15.0, 15.0, 55.0, 55.0, 60.8, 30.9, 0.0},
                          {15.0, 15.0, 33.0, 33.0, 60.8, 30.9, 0.0}}},
};

const Library* find_library(std::string_view name) {
  const auto found = std::ranges::find(libraries, name, &Library::name);
  return found == libraries.end() ? nullptr : &*found;
}

/// One exchange as its library sees it.
struct Demand {
  const Library& library;
  const Costs& costs;
  const TokenExchange& tokens;
  const Gpu& gpu;
  std::size_t members = 1;
  bool inside = true;  ///< one domain

  std::int64_t sms() const { return tokens.sms > 0 ? tokens.sms : library.sms; }
};

const Costs& costs_of(const Library& library, CollectiveKind kind, const Gpu& gpu) {
  const bool blackwell = gpu.architecture.starts_with("Blackwell");
  const Directions& directions = blackwell ? library.blackwell : library.hopper;
  return kind == CollectiveKind::combine ? directions.combine : directions.dispatch;
}

Duration latency_of(const Demand& demand) {
  const Costs& costs = demand.costs;
  const double kernel = demand.inside ? costs.latency_inside : costs.latency_between;
  const double agree = demand.inside ? costs.agree_inside : costs.agree_between;
  const bool whole = demand.tokens.part == TokenExchange::Part::whole;
  return quantize(Seconds((kernel + (whole ? agree : 0.0)) * 1e-6));
}

/// Bytes of rows per second that the kernel's SMs move.
double row_rate(const Demand& demand) {
  const Costs& costs = demand.costs;
  const double per_sm = demand.inside ? costs.per_sm_inside : costs.per_sm_between;
  const double most = costs.ceiling > 0.0 ? costs.ceiling : std::numeric_limits<double>::infinity();
  if (per_sm == 0.0) return most * giga;
  return std::min(most, per_sm * static_cast<double>(demand.sms())) * giga;
}

/// Rows that the busiest member sends or gets for each copy of a member's tokens: fewer where
/// copies share a member.
double rows_per_copy(const Demand& demand) {
  const TokenSpread& spread = demand.tokens.spread;
  if (demand.library.sms == 0) return spread.fullest_over_mean(demand.members);
  const double rows =
      std::max(spread.members_met(demand.members), spread.fullest_met(demand.members));
  return rows / static_cast<double>(spread.top_k);
}

float share_of(double part, double whole) {
  return static_cast<float>(std::clamp(part / whole, 0.0, 1.0));
}

}  // namespace

bool is_expert_exchange(std::string_view algorithm) { return find_library(algorithm) != nullptr; }

Choice choose_expert_exchange(CollectiveKind kind, const TokenExchange& tokens,
                              std::span<const VertexId> members, const Cluster& cluster) {
  const Library* const library = find_library(tokens.algorithm);
  CHECK(library != nullptr, tokens.algorithm);
  const Gpu& gpu = cluster.gpu(members.front());
  const bool inside = lay_out(members, cluster).domains.size() == 1;
  const Demand demand{*library, costs_of(*library, kind, gpu), tokens, gpu, members.size(), inside};
  const double rows = rows_per_copy(demand);
  Choice choice;
  choice.algorithm = find_collective_algorithm(tokens.algorithm);
  choice.base_latency = latency_of(demand);
  choice.payload_share = library->payload_share;
  choice.rate_cap = row_rate(demand) / rows;
  choice.sm_share = share_of(static_cast<double>(demand.sms()),
                             static_cast<double>(gpu.streaming_multiprocessors));
  choice.memory_traffic = 2.0;  // rows are read where they are and written where they go
  return choice;
}

}  // namespace orrery
