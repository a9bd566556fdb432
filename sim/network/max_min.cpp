#include "network/max_min.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace orrery {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double unit = 0x1.0p-32;

double as_transfers(std::uint64_t weight) { return static_cast<double>(weight) * unit; }

}  // namespace

void MaxMinSystem::clear() {
  capacities_.clear();
  rate_caps_.clear();
  first_crossing_.clear();
  crossings_.clear();
}

std::uint32_t MaxMinSystem::add_resource(double capacity) {
  CHECK(capacity > 0.0 && std::isfinite(capacity), capacity);
  capacities_.push_back(capacity);
  return static_cast<std::uint32_t>(capacities_.size() - 1);
}

std::uint32_t MaxMinSystem::add_variable(double rate_cap) {
  CHECK(rate_cap > 0.0, rate_cap);
  rate_caps_.push_back(rate_cap);
  first_crossing_.push_back(static_cast<std::uint32_t>(crossings_.size()));
  return static_cast<std::uint32_t>(rate_caps_.size() - 1);
}

void MaxMinSystem::cross(std::uint32_t resource, std::uint64_t weight) {
  DCHECK(!rate_caps_.empty() && resource < capacities_.size(), resource);
  CHECK(weight > 0, resource);
  crossings_.push_back({.weight = weight, .resource = resource});
}

std::span<const MaxMinSystem::Crossing> MaxMinSystem::crossings(std::size_t variable) const {
  const std::size_t first = first_crossing_[variable];
  const std::size_t last =
      variable + 1 < first_crossing_.size() ? first_crossing_[variable + 1] : crossings_.size();
  return std::span(crossings_).subspan(first, last - first);
}

const MaxMinRates& MaxMinSolver::solve(const MaxMinSystem& system) {
  prepare(system);
  for (double level = lowest_level(); level < infinity; level = lowest_level()) {
    freeze_at(system, level);
    close_round(level);
  }
  return solution_;
}

void MaxMinSolver::prepare(const MaxMinSystem& system) {
  solution_.rates.assign(system.variable_count(), infinity);
  solution_.loads.assign(system.resource_count(), 0.0);
  frozen_.assign(system.variable_count(), 0);
  touched_.clear();
  list_members(system);
  list_caps(system);
  list_offers();
}

void MaxMinSolver::list_members(const MaxMinSystem& system) {
  const std::size_t count = system.resource_count();
  residuals_.resize(count);
  for (std::size_t r = 0; r < count; ++r) {
    residuals_[r] = {.capacity = system.capacity(r), .share = 0.0, .weight = 0, .frozen_weight = 0};
  }
  first_member_.assign(count + 2, 0);
  for (const auto& crossing : system.all_crossings()) {
    ++first_member_[crossing.resource + 2];
    residuals_[crossing.resource].weight += crossing.weight;
  }
  for (std::size_t r = 2; r < first_member_.size(); ++r) first_member_[r] += first_member_[r - 1];
  members_.resize(system.all_crossings().size());
  for (std::size_t v = 0; v < system.variable_count(); ++v) {
    for (const auto& crossing : system.crossings(v)) {
      members_[first_member_[crossing.resource + 1]++] = static_cast<std::uint32_t>(v);
    }
  }
}

void MaxMinSolver::list_caps(const MaxMinSystem& system) {
  caps_.clear();
  next_cap_ = 0;
  for (std::size_t v = 0; v < system.variable_count(); ++v) {
    const double cap = system.rate_cap(v);
    if (cap < infinity) caps_.emplace_back(cap, static_cast<std::uint32_t>(v));
  }
  // Alike transfers have alike caps, so most lists come sorted.
  if (!std::ranges::is_sorted(caps_)) std::ranges::sort(caps_);
}

void MaxMinSolver::list_offers() {
  offers_.clear();
  for (std::size_t r = 0; r < residuals_.size(); ++r) {
    Residual& residual = residuals_[r];
    if (residual.weight == 0) continue;
    residual.share = residual.capacity / as_transfers(residual.weight);
    offers_.push_back({.share = residual.share, .resource = static_cast<std::uint32_t>(r)});
  }
  std::ranges::make_heap(offers_, std::ranges::greater(), &Offer::share);
}

/// The smallest share or cap that still binds something; infinity when nothing is left.
double MaxMinSolver::lowest_level() {
  refresh_top();
  while (next_cap_ < caps_.size() && frozen_[caps_[next_cap_].second] != 0) ++next_cap_;
  return std::min(offered(), capped());
}

double MaxMinSolver::offered() const { return offers_.empty() ? infinity : offers_.front().share; }

double MaxMinSolver::capped() const {
  return next_cap_ < caps_.size() ? caps_[next_cap_].first : infinity;
}

/// Makes the first offer one that stands: of a resource with members left, at its present share.
void MaxMinSolver::refresh_top() {
  while (!offers_.empty()) {
    const Offer first = offers_.front();
    const Residual& residual = residuals_[first.resource];
    if (residual.weight > 0 && residual.share == first.share) return;
    std::ranges::pop_heap(offers_, std::ranges::greater(), &Offer::share);
    if (residual.weight == 0) {
      offers_.pop_back();
      continue;
    }
    offers_.back().share = residual.share;
    std::ranges::push_heap(offers_, std::ranges::greater(), &Offer::share);
  }
}

void MaxMinSolver::freeze_at(const MaxMinSystem& system, double level) {
  for (; capped() == level; ++next_cap_) freeze(system, caps_[next_cap_].second, level);
  freeze_resources_at(system, level);
}

/// Weights are only brought up to date when the round closes, so shares are those of its opening.
void MaxMinSolver::freeze_resources_at(const MaxMinSystem& system, double level) {
  for (; offered() == level; refresh_top()) {
    const std::uint32_t resource = offers_.front().resource;
    std::ranges::pop_heap(offers_, std::ranges::greater(), &Offer::share);
    offers_.pop_back();
    for (std::uint32_t m = first_member_[resource]; m < first_member_[resource + 1]; ++m) {
      freeze(system, members_[m], level);
    }
  }
}

void MaxMinSolver::freeze(const MaxMinSystem& system, std::uint32_t variable, double level) {
  if (frozen_[variable] != 0) return;
  frozen_[variable] = 1;
  solution_.rates[variable] = level;
  for (const auto& crossing : system.crossings(variable)) {
    Residual& residual = residuals_[crossing.resource];
    if (residual.frozen_weight == 0) touched_.push_back(crossing.resource);
    residual.frozen_weight += crossing.weight;
  }
}

void MaxMinSolver::close_round(double level) {
  for (const std::uint32_t r : touched_) {
    Residual& residual = residuals_[r];
    const double taken = level * as_transfers(residual.frozen_weight);
    solution_.loads[r] += taken;
    residual.capacity -= taken;
    residual.weight -= residual.frozen_weight;
    residual.frozen_weight = 0;
    if (residual.weight == 0) continue;
    residual.share = std::max(residual.share, residual.capacity / as_transfers(residual.weight));
  }
  touched_.clear();
}

}  // namespace orrery
