#include "search/division.hpp"

#include "parallel/plan.hpp"
#include "schedule/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

namespace orrery {

namespace {

std::int64_t ceil_share(std::int64_t whole, std::int64_t parts) {
  return (whole + parts - 1) / parts;
}

std::vector<RankBlocks> contiguous(const std::vector<std::int64_t>& ranks) {
  std::vector<RankBlocks> blocks;
  for (const std::int64_t rank : ranks) {
    const bool next = !blocks.empty() && blocks.back().first + blocks.back().length == rank;
    if (next) {
      ++blocks.back().length;
    } else {
      blocks.push_back({.first = rank, .length = 1, .period = 0, .count = 1});
    }
  }
  return blocks;
}

bool is_regular(const std::vector<RankBlocks>& blocks) {
  const std::int64_t period = blocks[1].first - blocks[0].first;
  for (std::size_t i = 1; i < blocks.size(); ++i) {
    if (blocks[i].length != blocks[0].length) return false;
    if (blocks[i].first - blocks[i - 1].first != period) return false;
  }
  return true;
}

std::string range_text(std::int64_t first, std::int64_t last) {
  return first == last ? fmt::format("{}", first) : fmt::format("{}–{}", first, last);
}

/// Parts [0, whole) in `parts` nearly equal ranges, the earlier ones taking the remainder.
struct Ranges {
  std::int64_t whole = 1;
  std::int64_t parts = 1;

  Share at(std::int64_t part) const {
    const std::int64_t base = whole / parts;
    const std::int64_t extra = std::min(part, whole % parts);
    const std::int64_t first = part * base + extra;
    return {first, first + base - 1 + (part < whole % parts ? 1 : 0), {}};
  }
};

using CoordinateOf = std::function<std::int64_t(const Coordinates&)>;

ModuleDivision spread(const Mesh& mesh, std::string what, const Ranges& ranges,
                      const CoordinateOf& coordinate) {
  std::map<std::int64_t, std::vector<std::int64_t>> ranks;
  for (std::size_t i = 0; i < mesh.size(); ++i) {
    ranks[coordinate(mesh.at(id_at<RankId>(i)))].push_back(static_cast<std::int64_t>(i));
  }
  ModuleDivision division{std::move(what), {}};
  for (const auto& [part, holders] : ranks) {
    Share share = ranges.at(part);
    if (share.last < share.first) continue;  // more ranks than parts
    share.ranks = blocks_of(holders);
    division.shares.push_back(std::move(share));
  }
  return division;
}

/// The pipeline rank that holds a virtual stage; the schedule decides.
std::size_t stage_of(const Strategy& strategy, std::size_t virtual_stage) {
  const Schedule* schedule = find_schedule(strategy.schedule);
  const auto place = schedule == nullptr ? looped_place : schedule->place;
  const PipelineShape shape{strategy.pp, strategy.vpp, 1};
  return static_cast<std::size_t>(place(shape, {static_cast<std::int64_t>(virtual_stage)}).rank);
}

/// Layers follow the stages, which may be uneven or hold several chunks.
ModuleDivision spread_layers(const Mesh& mesh, const DivisionInput& input) {
  const std::vector<std::int64_t> counts = layers_per_virtual_stage(input.model, input.strategy);
  const Ranges stages{input.strategy.pp, input.strategy.pp};
  const ModuleDivision by_stage =
      spread(mesh, "layers", stages, [](const Coordinates& at) { return at.pp; });
  ModuleDivision division{"layers", {}};
  std::int64_t next = 0;
  for (std::size_t s = 0; s < counts.size(); ++s) {
    if (counts[s] > 0) {
      const std::size_t stage = stage_of(input.strategy, s);
      division.shares.push_back({next, next + counts[s] - 1, by_stage.shares[stage].ranks});
    }
    next += counts[s];
  }
  return division;
}

/// Sequences follow the replicas, whose shares may be uneven.
ModuleDivision spread_sequences(const Mesh& mesh, const DivisionInput& input) {
  const Strategy& s = input.strategy;
  const auto replica = [](const Coordinates& at) { return at.dp; };
  if (s.replica_batch.empty()) {
    return spread(mesh, "sequences", {input.job.global_batch, s.dp}, replica);
  }
  ModuleDivision division = spread(mesh, "sequences", {s.dp, s.dp}, replica);
  std::int64_t next = 0;
  for (Share& share : division.shares) {
    const std::int64_t count = s.batch_of_replica(share.first, input.job.global_batch);
    share.first = next;
    share.last = next + count - 1;
    next += count;
  }
  return division;
}

std::int64_t fullest_stage(const DivisionInput& input) {
  const std::vector<std::int64_t> counts = layers_per_virtual_stage(input.model, input.strategy);
  std::vector<std::int64_t> layers(static_cast<std::size_t>(input.strategy.pp));
  for (std::size_t s = 0; s < counts.size(); ++s) layers[stage_of(input.strategy, s)] += counts[s];
  return std::ranges::max(layers);
}

void count_experts(const DivisionInput& input, Division& division) {
  if (!input.model.experts) return;
  const std::int64_t experts = input.model.experts->experts;
  division.experts_per_rank =
      ceil_share(experts + input.strategy.redundant_experts, input.strategy.ep);
  division.expert_instances = experts * input.model.expert_layer_count();
  division.expert_copies = std::max<std::int64_t>(1, input.strategy.expert_dp());
}

void spread_all(const DivisionInput& input, Division& division) {
  const Mesh mesh(input.strategy);
  const Strategy& s = input.strategy;
  const auto tensor = [](const Coordinates& at) { return at.tp; };
  division.modules.push_back(spread_layers(mesh, input));
  division.modules.push_back(spread(mesh, "hidden columns", {input.model.hidden, s.tp}, tensor));
  division.modules.push_back(
      spread(mesh, "attention heads", {input.model.attention.heads, s.tp}, tensor));
  if (input.model.experts) {
    division.modules.push_back(spread(mesh, "experts", {input.model.experts->experts, s.ep},
                                      [](const Coordinates& at) { return at.ep; }));
  }
  division.modules.push_back(spread_sequences(mesh, input));
}

}  // namespace

std::vector<RankBlocks> blocks_of(const std::vector<std::int64_t>& ranks) {
  std::vector<RankBlocks> blocks = contiguous(ranks);
  if (blocks.size() < 2 || !is_regular(blocks)) return blocks;
  const std::int64_t period = blocks[1].first - blocks[0].first;
  return {{blocks[0].first, blocks[0].length, period, static_cast<std::int64_t>(blocks.size())}};
}

std::string to_string(const RankBlocks& blocks) {
  const auto block = [&](std::int64_t i) {
    const std::int64_t first = blocks.first + i * blocks.period;
    return range_text(first, first + blocks.length - 1);
  };
  std::string text = block(0);
  if (blocks.count > 1) text += ", " + block(1);
  if (blocks.count > 3) text += ", …";
  if (blocks.count > 2) text += (blocks.count > 3 ? " " : ", ") + block(blocks.count - 1);
  return text;
}

std::string to_string(const std::vector<RankBlocks>& blocks) {
  constexpr std::size_t most = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(blocks.size(), most); ++i) {
    text += (i > 0 ? ", " : "") + to_string(blocks[i]);
  }
  if (blocks.size() > most) text += fmt::format(" and {} more blocks", blocks.size() - most);
  return text;
}

Division divide(const DivisionInput& input) {
  const Strategy& s = input.strategy;
  Division division;
  division.layers_per_rank = fullest_stage(input);
  division.hidden_columns = ceil_share(input.model.hidden, s.tp);
  division.heads_per_rank = ceil_share(input.model.attention.heads, s.tp);
  division.sequences_per_rank = s.replica_batch.empty() ? ceil_share(input.job.global_batch, s.dp)
                                                        : s.largest_batch(input.job.global_batch);
  const std::int64_t replicas = std::max<std::int64_t>(1, s.dp / s.ep);
  division.sequences_per_replica = ceil_share(input.job.global_batch, replicas);
  count_experts(input, division);
  spread_all(input, division);
  return division;
}

}  // namespace orrery
