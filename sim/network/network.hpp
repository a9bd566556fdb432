// A network is asked one thing: go forward, and stop at the first completion or at the limit.
//
// One verb that every fidelity can answer honestly (a model that can only predict by advancing
// could not answer "when is your next event?"). Transfers are bundles of equal ones at a common
// rate (program/program.hpp); a transfer whose latency has not passed takes no capacity. Starting
// several transfers at one instant costs one solve, when the network is next advanced.
//
// What a resource is, a network does not know: links, or a GPU's SMs and memory bandwidth, which
// the engine adds (engine/shared_gpus.hpp).
#pragma once

#include "base/time.hpp"
#include "program/program.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace orrery {

/// A bundle on its way. What the spans point at must outlive the transfer.
struct Transfer {
  std::span<const Crossing> crossings{};
  /// More that it crosses, with `end_weight` times what stands there: the memory of its ends.
  std::span<const Crossing> ends{};
  std::uint64_t end_weight = 0;
  double bytes = 0.0;     ///< of one transfer of the bundle
  double rate_cap = 0.0;  ///< bytes per second one transfer reaches alone
  Duration latency{0};
  std::uint32_t owner = 0;  ///< what the caller calls it; handed back on completion
};

/// The bytes per second that cross a resource from an instant on. Only changes are reported.
struct RateChange {
  Instant at;
  ResourceId resource{};
  double bytes_per_second = 0.0;
};

class Network {
 public:
  virtual ~Network() = default;

  /// One more resource that transfers can cross; identities go on from those it was made with.
  virtual ResourceId add_resource(BytesPerSecond capacity) = 0;

  /// From now on (the last advance, or later where nothing moves) the resource has this capacity.
  virtual void set_capacity(ResourceId resource, BytesPerSecond capacity) = 0;

  /// Starts a transfer at `now`, which must not be before the last advance.
  virtual void start(Instant now, const Transfer& transfer) = 0;

  /// Goes forward to the first completion or to `limit`, whichever is earlier, and returns that
  /// instant. Owners of the transfers that completed then are appended to `completed` in the order
  /// in which they were started (the one documented out-parameter of the house: the buffer is
  /// reused).
  virtual Instant advance(Instant limit, std::vector<std::uint32_t>& completed) = 0;

  /// Rate changes since the last call, in order of time then resource; cleared by the caller taking
  /// them.
  virtual std::vector<RateChange> take_rate_changes() = 0;

  /// Whether transfers share what they cross, so that no resource ever carries more than its
  /// capacity. A model without contention does not promise that.
  virtual bool keeps_capacities() const = 0;

  /// Bytes that have crossed each resource so far: for the books that must balance.
  virtual std::vector<double> bytes_crossed() const = 0;
};

/// Bundles share links max-min fairly: contention, oversubscription and slow links come out of it.
std::unique_ptr<Network> make_fair_share_network(const IdVector<ResourceId, Resource>& resources);

/// latency + bytes / the rate reached alone: no contention; for sweeps and closed forms.
std::unique_ptr<Network> make_alpha_beta_network(const IdVector<ResourceId, Resource>& resources);

}  // namespace orrery
