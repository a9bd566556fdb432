// The division of the model: which rank holds which layers, columns, heads, experts and sequences.
//
// Arithmetic only; nothing is planned and no time passes. A share is a range of one kind of part
// and the ranks that hold it. Ranks repeat over a mesh, so a set of them is told as equal blocks at
// equal distances ("0–3, 32–35, … 480–483"). Counts are those of the fullest rank.
#pragma once

#include "parallel/mesh.hpp"
#include "workload/job.hpp"
#include "workload/model.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery {

/// Blocks of `length` neighbouring ranks, the first at `first`, `count` of them `period` apart.
struct RankBlocks {
  std::int64_t first = 0;
  std::int64_t length = 1;
  std::int64_t period = 0;
  std::int64_t count = 1;

  bool operator==(const RankBlocks&) const = default;
};

/// Ascending, different ranks as blocks: one entry where they repeat regularly, else one for each
/// block.
std::vector<RankBlocks> blocks_of(const std::vector<std::int64_t>& ranks);
/// "0–3", "0–3, 32–35, … 480–483", "0, 8, 24".
std::string to_string(const RankBlocks& blocks);
std::string to_string(const std::vector<RankBlocks>& blocks);

/// Parts `first` to `last` of something, and who holds them.
struct Share {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::vector<RankBlocks> ranks;
};

/// How one kind of part is spread.
struct ModuleDivision {
  std::string what;  ///< "layers", "hidden columns", "attention heads", "experts", "sequences"
  std::vector<Share> shares;
};

struct Division {
  std::int64_t layers_per_rank = 0;
  std::int64_t hidden_columns = 0;  ///< of the attention and dense products that a rank holds
  std::int64_t heads_per_rank = 0;
  std::int64_t experts_per_rank = 0;    ///< of each layer that it holds; 0 for dense models
  std::int64_t expert_instances = 0;    ///< different ones: experts times the layers that have them
  std::int64_t expert_copies = 0;       ///< how many ranks hold the same one
  std::int64_t sequences_per_rank = 0;  ///< of a step; rounded up
  std::int64_t sequences_per_replica = 0;  ///< of the ranks that together hold every expert once
  std::vector<ModuleDivision> modules;
};

struct DivisionInput {
  const Model& model;
  const Job& job;
  const Strategy& strategy;
};

/// Divisions that leave a remainder give the share of the fullest rank.
Division divide(const DivisionInput& input);

}  // namespace orrery
