#include "lower/script_places.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace orrery {

std::string ScriptPlace::name() const {
  return alone ? fmt::format("stage {}", stage)
               : fmt::format("stage {}, expert rank {}", stage, expert_rank);
}

ScriptPlaces::ScriptPlaces(const Plan& plan) : mesh_(plan.mesh) {
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    std::vector<std::int64_t> alike = alike_expert_ranks(plan, plan.stages[s]);
    const bool alone = std::ranges::count(alike, 0) == std::ssize(alike);
    if (alone) alike = {0};
    std::vector<std::size_t>& numbers = number_.emplace_back();
    for (std::size_t rank = 0; rank < alike.size(); ++rank) {
      const auto first = static_cast<std::size_t>(alike[rank]);
      numbers.push_back(first == rank ? places_.size() : numbers[first]);
      if (first != rank) continue;
      places_.push_back({static_cast<std::int64_t>(s), alike[rank], alone});
    }
  }
}

std::size_t ScriptPlaces::script_of(RankId rank) const {
  const std::vector<std::size_t>& numbers = number_[static_cast<std::size_t>(mesh_.stage_of(rank))];
  if (numbers.size() == 1) return numbers.front();
  return numbers[static_cast<std::size_t>(mesh_.at(rank).ep)];
}

}  // namespace orrery
