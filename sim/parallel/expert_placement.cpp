#include "parallel/expert_placement.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <numeric>

namespace orrery {

namespace {

struct Slot {
  std::int64_t expert = 0;
  double weight = 0.0;
};

/// How many slots each expert has.
std::vector<std::int64_t> replicate(std::span<const double> expected, std::int64_t slots) {
  std::vector<std::int64_t> replicas(expected.size(), 1);
  const auto each = [&](std::size_t e) { return expected[e] / static_cast<double>(replicas[e]); };
  for (auto left = slots - std::ssize(expected); left > 0; --left) {
    std::size_t hottest = 0;
    for (std::size_t e = 1; e < expected.size(); ++e) {
      if (each(e) > each(hottest)) hottest = e;
    }
    ++replicas[hottest];
  }
  return replicas;
}

std::vector<Slot> heaviest_first(std::span<const double> expected, std::int64_t slots) {
  const std::vector<std::int64_t> replicas = replicate(expected, slots);
  std::vector<Slot> all;
  for (std::size_t e = 0; e < expected.size(); ++e) {
    const Slot slot{static_cast<std::int64_t>(e), expected[e] / static_cast<double>(replicas[e])};
    all.insert(all.end(), static_cast<std::size_t>(replicas[e]), slot);
  }
  std::ranges::stable_sort(all, std::greater<>{}, &Slot::weight);
  return all;
}

std::vector<std::int64_t> pack(const std::vector<Slot>& slots, std::size_t ranks) {
  const std::size_t room = slots.size() / ranks;
  std::vector<std::vector<std::int64_t>> held(ranks);
  std::vector<double> weight(ranks, 0.0);
  for (const Slot& slot : slots) {
    std::size_t lightest = ranks;
    for (std::size_t r = 0; r < ranks; ++r) {
      if (held[r].size() == room) continue;
      if (lightest == ranks || weight[r] < weight[lightest]) lightest = r;
    }
    held[lightest].push_back(slot.expert);
    weight[lightest] += slot.weight;
  }
  std::vector<std::int64_t> experts;
  for (std::vector<std::int64_t>& of_rank : held) {
    std::ranges::sort(of_rank);
    experts.insert(experts.end(), of_rank.begin(), of_rank.end());
  }
  return experts;
}

}  // namespace

std::vector<std::int64_t> place_experts(ExpertPlacement placement, std::span<const double> expected,
                                        std::int64_t slots, std::int64_t ranks) {
  CHECK(slots >= std::ssize(expected) && slots % ranks == 0, slots, expected.size(), ranks);
  if (placement == ExpertPlacement::balanced) {
    return pack(heaviest_first(expected, slots), static_cast<std::size_t>(ranks));
  }
  CHECK(slots == std::ssize(expected), slots, expected.size());
  std::vector<std::int64_t> experts(expected.size());
  std::iota(experts.begin(), experts.end(), 0);
  return experts;
}

}  // namespace orrery
