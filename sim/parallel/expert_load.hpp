// What the ranks that share a layer's experts get of a micro-batch: which rows travel to which of
// them, which are dropped, which rank is the fullest.
//
// All follows from how often each expert is picked (workload/routing_counts.hpp): what is above an
// expert's capacity is dropped, what is below may be padded; replicas of an expert take equal
// parts; a rank's rows are those of its slots (expert_placement.hpp). A rank sends its tokens to
// the others in proportion to their rows, so the volume from rank s to rank r is the copies of s
// times the share of r. Rows are conserved:
//
//   picked + padded = dropped + sum of the rows of all slots
#pragma once

#include "parallel/dimension.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace orrery {

/// Of one layer, for every group of ranks that share its experts. Copies of tokens are counted, one
/// for each pick, of one micro-batch.
struct LayerLoad {
  std::int64_t ranks = 0;  ///< that share the experts; 0: of a layer without experts
  std::int64_t picked = 0;
  std::int64_t dropped = 0;
  std::int64_t padded = 0;
  std::int64_t fullest_expert = 0;        ///< picks of the most popular one
  std::vector<std::int64_t> slot_expert;  ///< by slot, rank after rank
  std::vector<std::int64_t> slot_rows;

  std::span<const std::int64_t> rows_of(std::int64_t rank) const;
  std::int64_t rank_rows(std::int64_t rank) const;
  std::int64_t all_rows() const { return picked - dropped + padded; }
  /// Rows of a rank for each that an even routing would give it.
  double over_even(std::int64_t rank) const;
  /// Copies that travel for each that is picked.
  double sent() const;
  /// Of all rows those of each rank.
  std::vector<double> shares() const;
  /// Rows of the fullest rank over the mean.
  double imbalance() const;
};

/// By layer of the model, those that predict ahead behind its last; none at all where routing is
/// even. `copies` are those that a rank's experts get of a micro-batch on average.
std::vector<LayerLoad> expert_loads(const ShardInput& input, double copies);

}  // namespace orrery
