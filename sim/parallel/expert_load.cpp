#include "parallel/expert_load.hpp"

#include "workload/routing_counts.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace orrery {

namespace {

std::int64_t sum_of(std::span<const std::int64_t> numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), std::int64_t{0});
}

/// The most tokens of all ranks together that an expert takes: each rank counts its own.
std::int64_t capacity_of(const ShardInput& input, std::int64_t picked) {
  const Strategy& s = input.strategy;
  const std::int64_t senders = s.ep * (s.sp && s.tp > 1 ? s.etp : 1);
  const double mean =
      static_cast<double>(picked) / static_cast<double>(senders * input.model.experts->experts);
  return senders * std::llround(std::ceil(mean * input.job.routing.capacity_factor - 1e-9));
}

/// Rows that each expert computes, of the picks it got.
std::vector<std::int64_t> kept_rows(std::vector<std::int64_t> counts, const ShardInput& input,
                                    LayerLoad& load) {
  const Routing& routing = input.job.routing;
  if (routing.capacity_factor == 0.0) return counts;
  const std::int64_t capacity = capacity_of(input, load.picked);
  for (std::int64_t& count : counts) {
    const std::int64_t kept = std::min(count, capacity);
    load.dropped += count - kept;
    load.padded += routing.pad_to_capacity ? capacity - kept : 0;
    count = routing.pad_to_capacity ? capacity : kept;
  }
  return counts;
}

/// Replicas of an expert take equal parts, the first ones what does not divide.
void fill_slots(const std::vector<std::int64_t>& rows, LayerLoad& load) {
  std::vector<std::int64_t> replicas(rows.size(), 0);
  for (const std::int64_t expert : load.slot_expert) ++replicas[static_cast<std::size_t>(expert)];
  std::vector<std::int64_t> seen(rows.size(), 0);
  for (const std::int64_t expert : load.slot_expert) {
    const auto e = static_cast<std::size_t>(expert);
    const std::int64_t more = seen[e]++ < rows[e] % replicas[e] ? 1 : 0;
    load.slot_rows.push_back(rows[e] / replicas[e] + more);
  }
}

LayerLoad load_of_layer(const ShardInput& input, const RoutingDemand& demand) {
  const Strategy& s = input.strategy;
  LayerLoad load;
  load.ranks = s.ep;
  std::vector<std::int64_t> counts = routed_counts(input.job.routing, demand);
  load.picked = sum_of(counts);
  load.fullest_expert = *std::ranges::max_element(counts);
  std::vector<double> expected(counts.size(), 1.0);
  if (s.expert_placement == ExpertPlacement::balanced) {
    expected = expected_counts(input.job.routing, demand);
  }
  load.slot_expert =
      place_experts(s.expert_placement, expected, demand.experts + s.redundant_experts, s.ep);
  fill_slots(kept_rows(std::move(counts), input, load), load);
  return load;
}

}  // namespace

std::span<const std::int64_t> LayerLoad::rows_of(std::int64_t rank) const {
  const auto each = slot_rows.size() / static_cast<std::size_t>(ranks);
  return std::span(slot_rows).subspan(static_cast<std::size_t>(rank) * each, each);
}

std::int64_t LayerLoad::rank_rows(std::int64_t rank) const { return sum_of(rows_of(rank)); }

double LayerLoad::over_even(std::int64_t rank) const {
  if (picked == 0) return 1.0;
  return static_cast<double>(rank_rows(rank) * ranks) / static_cast<double>(picked);
}

double LayerLoad::sent() const {
  return picked == 0 ? 1.0 : static_cast<double>(all_rows()) / static_cast<double>(picked);
}

std::vector<double> LayerLoad::shares() const {
  std::vector<double> shares;
  for (std::int64_t rank = 0; rank < ranks; ++rank) {
    const auto rows = static_cast<double>(rank_rows(rank));
    shares.push_back(all_rows() == 0 ? 1.0 / static_cast<double>(ranks)
                                     : rows / static_cast<double>(all_rows()));
  }
  return shares;
}

double LayerLoad::imbalance() const {
  if (all_rows() == 0) return 1.0;
  std::int64_t fullest = 0;
  for (std::int64_t rank = 0; rank < ranks; ++rank) fullest = std::max(fullest, rank_rows(rank));
  return static_cast<double>(fullest * ranks) / static_cast<double>(all_rows());
}

std::vector<LayerLoad> expert_loads(const ShardInput& input, double copies) {
  const Model& model = input.model;
  if (!model.experts || (input.job.routing.even() && input.strategy.redundant_experts == 0)) {
    return {};
  }
  RoutingDemand demand{.experts = model.experts->experts, .top_k = model.experts->top_k};
  const double group = copies * static_cast<double>(input.strategy.ep);
  demand.tokens = std::llround(group / static_cast<double>(demand.top_k));
  std::vector<LayerLoad> loads;
  for (std::int64_t layer = 0; layer < model.layers + model.mtp_layers; ++layer) {
    demand.layer = layer;
    loads.push_back(model.is_expert_layer(layer) ? load_of_layer(input, demand) : LayerLoad{});
  }
  return loads;
}

}  // namespace orrery
