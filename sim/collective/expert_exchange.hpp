// What the libraries that carry tokens to experts cost beyond what crosses the links: DeepEP's
// normal and low-latency kernels, and Hybrid-EP.
//
// A kernel takes its latency and then moves rows at the least of three rates: what the links carry,
// `rows per SM` times the SMs it was given, and what all SMs together reach. A row is one copy of a
// token for each member that it must reach, the sender itself included. Before that the members
// agree on who gets how many, which tables of kernels time apart.
//
// Constants: tools/calibrate/dispatchers.py, fitted on single kernels of tests/measured/
// collectives.csv, by generation of GPU.
#pragma once

#include "cluster/cluster.hpp"
#include "collective/collective.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace orrery {

/// How tokens travel to experts or back.
struct TokenExchange {
  enum class Part : std::uint8_t { whole, transmission };

  std::string algorithm{};  ///< "deepep"; empty: the library of the other collectives
  TokenSpread spread{};
  Part part = Part::whole;
  std::int64_t sms = 0;  ///< that it may take; 0: as many as it takes by default

  bool operator==(const TokenExchange&) const = default;
};

/// Whether choose_expert_exchange() knows the algorithm.
bool is_expert_exchange(std::string_view algorithm);

/// What such a library does for a dispatch, a combine or an all-to-all among the members.
Choice choose_expert_exchange(CollectiveKind kind, const TokenExchange& tokens,
                              std::span<const VertexId> members, const Cluster& cluster);

}  // namespace orrery
