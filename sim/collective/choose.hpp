// The choices of one group of GPUs, which is surveyed once for all of its operations.
#pragma once

#include "collective/collective.hpp"
#include "collective/expert_exchange.hpp"
#include "collective/nccl.hpp"

#include <optional>
#include <span>

namespace orrery {

class Chooser {
 public:
  /// All three must outlive it.
  Chooser(std::span<const VertexId> members, const Cluster& cluster,
          const CollectiveTuning& tuning);

  /// The cheapest algorithm and protocol for the size, as the library would pick it.
  Choice choose(CollectiveKind kind, Bytes size) const;
  /// The same for tokens on their way to experts, which may have a library of their own.
  Choice choose(CollectiveKind kind, Bytes size, const TokenExchange& tokens) const;
  /// A transfer from the first member to the second by copy engines, which take what the links give
  /// and hold no SMs. They reach no further than a domain: beyond, the library's own send.
  Choice copy(Bytes size) const;

 private:
  std::span<const VertexId> members_;
  const Cluster& cluster_;
  std::optional<nccl::Version> version_;
  std::optional<nccl::Communicator> known_;    ///< where a library chooses
  const CollectiveAlgorithm* wish_ = nullptr;  ///< of the scenario
};

}  // namespace orrery
