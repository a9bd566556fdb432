#include "parallel/mesh.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"

#include <algorithm>
#include <array>

namespace orrery {

std::string_view to_string(GroupAxis axis) {
  constexpr std::array<std::string_view, 15> names = {"tp",
                                                      "cp",
                                                      "dp",
                                                      "ep",
                                                      "etp",
                                                      "expert_dp",
                                                      "model",
                                                      "world",
                                                      "embedding",
                                                      "dp_shard",
                                                      "dp_replicate",
                                                      "expert_dp_shard",
                                                      "expert_dp_replicate",
                                                      "cp_a2a",
                                                      "cp_p2p"};
  return names[static_cast<std::size_t>(axis)];
}

/// Splits "tp-cp-ep-dp-pp" and looks each name up; names without a degree are left out.
std::vector<Mesh::Digit> Mesh::digits_of(std::string_view order,
                                         const std::vector<NamedDegree>& degrees) {
  std::vector<Digit> digits;
  std::uint32_t stride = 1;
  while (!order.empty()) {
    const std::string_view name = order.substr(0, order.find('-'));
    const auto found = std::ranges::find(degrees, name, &NamedDegree::name);
    if (found != degrees.end()) {
      const auto size = static_cast<std::uint32_t>(found->degree);
      digits.push_back({stride, size, found->field});
      stride *= size;
    }
    order.remove_prefix(std::min(order.size(), name.size() + 1));
  }
  return digits;
}

Mesh::Mesh(const Strategy& strategy)
    : strategy_(strategy), weight_copies_(strategy.weight_copies()) {
  const Strategy& s = strategy_;
  CHECK(s.world_size() <= limits::ranks, s.world_size());
  dense_ = digits_of(s.order, {{"tp", s.tp, &Coordinates::tp},
                               {"cp", s.cp, &Coordinates::cp},
                               {"dp", s.dp, &Coordinates::dp},
                               {"pp", s.pp, &Coordinates::pp}});
  expert_ = digits_of(s.order, {{"tp", s.etp, &Coordinates::etp},
                                {"ep", s.ep, &Coordinates::ep},
                                {"dp", s.expert_dp(), &Coordinates::expert_dp}});
  CHECK(dense_.size() == 4 && expert_.size() == 3, s.order);
  stage_ = *std::ranges::find(dense_, &Coordinates::pp, &Digit::field);
}

std::int64_t Mesh::stage_of(RankId rank) const {
  return stage_.of(static_cast<std::uint32_t>(rank));
}

Coordinates Mesh::at(RankId rank) const {
  const auto number = static_cast<std::uint32_t>(rank);
  Coordinates coordinates;
  for (const Digit& digit : dense_) coordinates.*digit.field = digit.of(number);
  const std::uint32_t above = number / (stage_.stride * stage_.size);
  const std::uint32_t in_stage = above * stage_.stride + number % stage_.stride;
  for (const Digit& digit : expert_) coordinates.*digit.field = digit.of(in_stage);
  return coordinates;
}

RankId Mesh::rank_at(const Coordinates& dense) const {
  std::size_t rank = 0;
  for (const Digit& digit : dense_) {
    rank += digit.stride * static_cast<std::size_t>(dense.*digit.field);
  }
  return id_at<RankId>(rank);
}

std::uint64_t Mesh::group_key(RankId rank, GroupAxis axis) const {
  const Coordinates c = at(rank);
  const Strategy& s = strategy_;
  const auto number = [](std::int64_t a, std::int64_t b, std::int64_t b_size) {
    return a * b_size + b;
  };
  const auto key = [&](std::int64_t a, std::int64_t b, std::int64_t b_size) {
    return static_cast<std::uint64_t>(number(a, b, b_size));
  };
  const std::int64_t stage = home_stage(axis, c.pp);
  const std::int64_t dense = number(stage, c.tp, s.tp);
  const std::int64_t expert = number(number(stage, c.ep, s.ep), c.etp, s.etp);
  const std::int64_t replica = c.dp * s.cp + c.cp;
  switch (axis) {
    case GroupAxis::tp:
      return key(c.pp, replica, s.dp * s.cp);
    case GroupAxis::cp:
      return key(c.pp * s.dp + c.dp, c.tp, s.tp);
    case GroupAxis::dp:
      return static_cast<std::uint64_t>(dense);
    case GroupAxis::ep:
      return key(c.pp * s.expert_dp() + c.expert_dp, c.etp, s.etp);
    case GroupAxis::etp:
      return key(c.pp * s.expert_dp() + c.expert_dp, c.ep, s.ep);
    case GroupAxis::expert_dp:
      return static_cast<std::uint64_t>(expert);
    case GroupAxis::model:
      return key(0, replica, 1);
    case GroupAxis::world:
      return 0;
    case GroupAxis::embedding:
      return key(replica, c.tp, s.tp);
    case GroupAxis::dp_shard:
      return key(dense, c.dp / (s.dp / s.dp_replicate), s.dp_replicate);
    case GroupAxis::dp_replicate:
      return key(dense, replica % s.dense_shards(), s.dense_shards());
    case GroupAxis::expert_dp_shard:
      return key(expert, c.expert_dp / s.expert_shards(), s.dp_replicate);
    case GroupAxis::expert_dp_replicate:
      return key(expert, c.expert_dp % s.expert_shards(), s.expert_shards());
    case GroupAxis::cp_a2a:
      return key((c.pp * s.dp + c.dp) * s.cp + c.cp / s.cp_heads(), c.tp, s.tp);
    case GroupAxis::cp_p2p:
      return key((c.pp * s.dp + c.dp) * s.cp + c.cp % s.cp_heads(), c.tp, s.tp);
  }
  return 0;
}

std::int64_t Mesh::home_stage(GroupAxis axis, std::int64_t stage) const {
  const bool replicas = axis == GroupAxis::dp || axis == GroupAxis::expert_dp;
  if (!replicas || weight_copies_ == 1) return stage;
  return std::min(stage, strategy_.pp - 1 - stage);
}

std::vector<std::vector<RankId>> Mesh::groups(GroupAxis axis) const {
  constexpr std::size_t unseen = SIZE_MAX;
  std::vector<std::size_t> group_of_key(size(), unseen);  // keys count groups: fewer than ranks
  std::vector<std::vector<RankId>> groups;
  for (std::size_t i = 0; i < size(); ++i) {
    const RankId rank = id_at<RankId>(i);
    const std::int64_t stage = stage_of(rank);
    const bool inner = stage != 0 && stage != strategy_.pp - 1;
    if (axis == GroupAxis::embedding && inner) continue;
    std::size_t& group = group_of_key[group_key(rank, axis)];
    if (group == unseen) {
      group = groups.size();
      groups.emplace_back();
    }
    groups[group].push_back(rank);
  }
  return groups;
}

std::int64_t Mesh::group_size(GroupAxis axis) const {
  const Strategy& s = strategy_;
  switch (axis) {
    case GroupAxis::tp:
      return s.tp;
    case GroupAxis::cp:
      return s.cp;
    case GroupAxis::dp:
      return s.dp * s.cp * weight_copies_;
    case GroupAxis::ep:
      return s.ep;
    case GroupAxis::etp:
      return s.etp;
    case GroupAxis::expert_dp:
      return s.expert_dp() * weight_copies_;
    case GroupAxis::model:
      return s.tp * s.pp;
    case GroupAxis::world:
      return s.world_size();
    case GroupAxis::embedding:
      return std::min<std::int64_t>(s.pp, 2);
    case GroupAxis::dp_shard:
      return s.dense_shards();
    case GroupAxis::expert_dp_shard:
      return s.expert_shards();
    case GroupAxis::dp_replicate:
    case GroupAxis::expert_dp_replicate:
      return s.dp_replicate;
    case GroupAxis::cp_a2a:
      return s.cp_heads();
    case GroupAxis::cp_p2p:
      return s.cp / s.cp_heads();
  }
  return 1;
}

GroupAxis Mesh::sharding_axis(GroupAxis axis) const {
  if (strategy_.dp_replicate == 1) return axis;
  return axis == GroupAxis::dp ? GroupAxis::dp_shard : GroupAxis::expert_dp_shard;
}

GroupAxis Mesh::replicating_axis(GroupAxis axis) {
  return axis == GroupAxis::dp ? GroupAxis::dp_replicate : GroupAxis::expert_dp_replicate;
}

}  // namespace orrery
