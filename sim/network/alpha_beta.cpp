// Alpha-beta: a transfer takes its latency and then bytes / rate, where the rate is what it reaches
// with the network to itself: the least of its cap and, over the resources it crosses, capacity /
// weight. No contention, so a resource may be reported to carry more than its capacity: that is the
// price of the model, and what shows where it is wrong.
#include "base/check.hpp"
#include "base/event_queue.hpp"
#include "network/network.hpp"

#include <algorithm>
#include <utility>

namespace orrery {
namespace {

double as_transfers(std::uint64_t weight) { return static_cast<double>(weight) * 0x1.0p-32; }

struct Flow {
  std::span<const Crossing> crossings{};
  std::span<const Crossing> ends{};
  std::uint64_t end_weight = 0;
  double bytes = 0.0;
  double rate = 0.0;
  std::uint32_t owner = 0;
  bool moving = false;
};

/// Calls `visit(resource, weight)` for all that a transfer or flow crosses.
template <typename Crosser, typename Visit>
void each_crossing(const Crosser& crosser, Visit visit) {
  for (const Crossing& crossing : crosser.crossings) visit(crossing.resource, crossing.weight);
  for (const Crossing& crossing : crosser.ends) {
    visit(crossing.resource, crossing.weight * crosser.end_weight);
  }
}

struct Channel {
  double capacity = 0.0;
  double load = 0.0;
  double reported_load = 0.0;
  double crossed = 0.0;
  std::uint32_t flows = 0;
  bool changed = false;
};

class AlphaBetaNetwork final : public Network {
 public:
  explicit AlphaBetaNetwork(const IdVector<ResourceId, Resource>& resources);

  ResourceId add_resource(BytesPerSecond capacity) override;
  void set_capacity(ResourceId resource, BytesPerSecond capacity) override;
  void start(Instant now, const Transfer& transfer) override;
  Instant advance(Instant limit, std::vector<std::uint32_t>& completed) override;
  std::vector<RateChange> take_rate_changes() override { return std::exchange(changes_, {}); }
  bool keeps_capacities() const override { return false; }
  std::vector<double> bytes_crossed() const override;

 private:
  double rate_alone(const Transfer& transfer) const;
  void set_off(std::uint32_t slot, std::uint64_t sequence);
  void arrive(std::uint32_t slot);
  void mark(Channel& channel, ResourceId resource);
  void report_changes();

  Instant now_ = simulation_start;
  std::uint64_t started_ = 0;
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> free_slots_;
  IdVector<ResourceId, Channel> channels_;
  EventQueue<std::uint64_t, Arrivals::mostly_in_order>
      events_;  ///< ends of latencies and arrivals; the payload is the slot
  std::vector<ResourceId> changed_;
  std::vector<RateChange> changes_;
};

AlphaBetaNetwork::AlphaBetaNetwork(const IdVector<ResourceId, Resource>& resources)
    : channels_(resources.size()) {
  auto channel = channels_.begin();
  for (const Resource& resource : resources) {
    CHECK(resource.capacity > BytesPerSecond(0.0), resource.name);
    (channel++)->capacity = resource.capacity.value();
  }
}

ResourceId AlphaBetaNetwork::add_resource(BytesPerSecond capacity) {
  return channels_.push_back({.capacity = capacity.value()});
}

/// For transfers that set off later: those under way keep the rate that they were promised.
void AlphaBetaNetwork::set_capacity(ResourceId resource, BytesPerSecond capacity) {
  channels_[resource].capacity = capacity.value();
}

double AlphaBetaNetwork::rate_alone(const Transfer& transfer) const {
  double rate = transfer.rate_cap;
  each_crossing(transfer, [&](ResourceId resource, std::uint64_t weight) {
    CHECK(weight > 0, index_of(resource));
    rate = std::min(rate, channels_[resource].capacity / as_transfers(weight));
  });
  return rate;
}

void AlphaBetaNetwork::start(Instant now, const Transfer& transfer) {
  CHECK(now >= now_, now.time_since_epoch().count(), now_.time_since_epoch().count());
  CHECK(transfer.bytes >= 0.0 && transfer.rate_cap > 0.0, transfer.bytes, transfer.rate_cap);
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(flows_.size()));
    flows_.emplace_back();
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  flows_[slot] = {.crossings = transfer.crossings,
                  .ends = transfer.ends,
                  .end_weight = transfer.end_weight,
                  .bytes = transfer.bytes,
                  .rate = rate_alone(transfer),
                  .owner = transfer.owner};
  events_.push({.at = now + transfer.latency, .sequence = started_++, .payload = slot});
}

Instant AlphaBetaNetwork::advance(Instant limit, std::vector<std::uint32_t>& completed) {
  CHECK(limit >= now_);
  const std::size_t before = completed.size();
  while (!events_.empty() && events_.top().at <= limit) {
    if (events_.top().at > now_) {
      if (completed.size() > before) break;
      report_changes();
      now_ = events_.top().at;
    }
    const auto event = events_.pop();
    const auto slot = static_cast<std::uint32_t>(event.payload);
    if (flows_[slot].moving) {
      completed.push_back(flows_[slot].owner);
      arrive(slot);
    } else {
      set_off(slot, event.sequence);
    }
  }
  if (completed.size() > before) return now_;
  report_changes();
  return now_ = limit;
}

/// Keeps the sequence number of its start, so that arrivals at one instant come in that order.
void AlphaBetaNetwork::set_off(std::uint32_t slot, std::uint64_t sequence) {
  Flow& flow = flows_[slot];
  flow.moving = true;
  each_crossing(flow, [&](ResourceId resource, std::uint64_t weight) {
    Channel& channel = channels_[resource];
    ++channel.flows;
    if (flow.bytes > 0.0) channel.load += flow.rate * as_transfers(weight);
    mark(channel, resource);
  });
  const Instant arrival = now_ + quantize(Seconds(flow.bytes / flow.rate));
  events_.push({.at = arrival, .sequence = sequence, .payload = slot});
}

void AlphaBetaNetwork::arrive(std::uint32_t slot) {
  const Flow& flow = flows_[slot];
  each_crossing(flow, [&](ResourceId resource, std::uint64_t weight) {
    Channel& channel = channels_[resource];
    if (flow.bytes > 0.0) channel.load -= flow.rate * as_transfers(weight);
    if (--channel.flows == 0) channel.load = 0.0;
    channel.crossed += flow.bytes * as_transfers(weight);
    mark(channel, resource);
  });
  free_slots_.push_back(slot);
}

void AlphaBetaNetwork::mark(Channel& channel, ResourceId resource) {
  if (channel.changed) return;
  channel.changed = true;
  changed_.push_back(resource);
}

/// Called before time moves on: what comes and goes within an instant is no change.
void AlphaBetaNetwork::report_changes() {
  std::ranges::sort(changed_);
  for (const ResourceId resource : changed_) {
    Channel& channel = channels_[resource];
    channel.changed = false;
    if (channel.load == std::exchange(channel.reported_load, channel.load)) continue;
    changes_.push_back({.at = now_, .resource = resource, .bytes_per_second = channel.load});
  }
  changed_.clear();
}

std::vector<double> AlphaBetaNetwork::bytes_crossed() const {
  std::vector<double> bytes;
  bytes.reserve(channels_.size());
  for (const Channel& channel : channels_) bytes.push_back(channel.crossed);
  return bytes;
}

}  // namespace

std::unique_ptr<Network> make_alpha_beta_network(const IdVector<ResourceId, Resource>& resources) {
  return std::make_unique<AlphaBetaNetwork>(resources);
}

}  // namespace orrery
