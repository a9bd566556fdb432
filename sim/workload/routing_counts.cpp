#include "workload/routing_counts.hpp"

#include "base/check.hpp"
#include "base/draw_sequence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace orrery {

namespace {

constexpr double never = -std::numeric_limits<double>::infinity();

// What a layer's numbers are drawn for.
enum class Stream : std::uint64_t { popularity, picks };

DrawSequence stream(const Routing& routing, const RoutingDemand& demand, Stream which) {
  const std::uint64_t entity =
      2 * static_cast<std::uint64_t>(demand.layer) + static_cast<std::uint64_t>(which);
  return DrawSequence({routing.seed, Purpose::routing, entity});
}

std::vector<double> zipf(const Routing& routing, const RoutingDemand& demand) {
  std::vector<double> logs(static_cast<std::size_t>(demand.experts));
  for (std::size_t i = 0; i < logs.size(); ++i) {
    logs[i] = -routing.exponent * std::log(static_cast<double>(i + 1));
  }
  DrawSequence numbers = stream(routing, demand, Stream::popularity);
  for (std::size_t i = logs.size(); i > 1; --i) std::swap(logs[i - 1], logs[numbers.below(i)]);
  return logs;
}

std::vector<double> dirichlet(const Routing& routing, const RoutingDemand& demand) {
  std::vector<double> logs(static_cast<std::size_t>(demand.experts));
  DrawSequence numbers = stream(routing, demand, Stream::popularity);
  for (double& log : logs) log = numbers.log_gamma(routing.concentration);
  return logs;
}

/// Logarithms of the popularities, of whatever sum.
std::vector<double> log_popularities(const Routing& routing, const RoutingDemand& demand) {
  switch (routing.kind) {
    case RoutingKind::zipf:
      return zipf(routing, demand);
    case RoutingKind::dirichlet:
      return dirichlet(routing, demand);
    default:
      return std::vector<double>(static_cast<std::size_t>(demand.experts), 0.0);
  }
}

double log_sum(double a, double b) {
  const double larger = std::max(a, b);
  return larger == never ? never : larger + std::log1p(std::exp(std::min(a, b) - larger));
}

/// The chances of the walk from expert to expert.
class Chances {
 public:
  Chances(const Routing& routing, const RoutingDemand& demand)
      : experts_(static_cast<std::size_t>(demand.experts)),
        picks_(static_cast<std::size_t>(demand.top_k)) {
    CHECK(picks_ >= 1 && picks_ <= experts_, picks_, experts_);
    if (routing.kind != RoutingKind::uniform) weigh(log_popularities(routing, demand));
  }

  /// Of a token with `left` picks left to take the expert.
  double of(std::size_t left, std::size_t expert) const {
    if (logs_.empty()) {
      return std::min(1.0, static_cast<double>(left) / static_cast<double>(experts_ - expert));
    }
    const double all = at(left, expert);
    if (all == never) return 0.0;  // no token comes here
    if (at(left, expert + 1) == never) return 1.0;
    return std::min(1.0, std::exp(logs_[expert] + at(left - 1, expert + 1) - all));
  }

  std::size_t experts() const { return experts_; }
  std::size_t picks() const { return picks_; }

 private:
  void weigh(std::vector<double> logs) {
    logs_ = std::move(logs);
    const std::size_t experts = experts_;
    sums_.assign((experts + 1) * (picks_ + 1), never);
    for (std::size_t e = 0; e <= experts; ++e) sum(0, e) = 0.0;
    for (std::size_t e = experts; e-- > 0;) {
      for (std::size_t j = 1; j <= picks_; ++j) {
        sum(j, e) = log_sum(sum(j, e + 1), logs_[e] + sum(j - 1, e + 1));
      }
    }
  }

  double& sum(std::size_t j, std::size_t e) { return sums_[e * (picks_ + 1) + j]; }
  double at(std::size_t j, std::size_t e) const { return sums_[e * (picks_ + 1) + j]; }

  std::size_t experts_;
  std::size_t picks_;
  std::vector<double> logs_;  ///< none: all alike
  std::vector<double> sums_;  ///< logarithms of Z(j, e)
};

/// `take(waiting, chance)` says how many of the waiting tokens pick the expert.
template <typename Count, typename Take>
std::vector<Count> walk(const Chances& chances, Count tokens, const Take& take) {
  std::vector<Count> waiting(chances.picks() + 1, Count{0});  // by picks left
  waiting.back() = tokens;
  std::vector<Count> counts(chances.experts(), Count{0});
  for (std::size_t e = 0; e < counts.size(); ++e) {
    for (std::size_t left = 1; left < waiting.size(); ++left) {
      const Count taken = take(waiting[left], chances.of(left, e));
      waiting[left] -= taken;
      waiting[left - 1] += taken;
      counts[e] += taken;
    }
  }
  return counts;
}

/// `total` in proportion to `weights`, whole: remainders go to the largest fractions, of equal ones
/// to the first.
std::vector<std::int64_t> apportioned(const std::vector<std::int64_t>& weights,
                                      std::int64_t total) {
  const auto sum =
      static_cast<double>(std::accumulate(weights.begin(), weights.end(), std::int64_t{0}));
  std::vector<std::int64_t> parts;
  std::vector<std::pair<double, std::size_t>> fractions;
  std::int64_t given = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double exact = static_cast<double>(weights[i]) / sum * static_cast<double>(total);
    parts.push_back(static_cast<std::int64_t>(std::floor(exact)));
    fractions.emplace_back(static_cast<double>(parts.back()) - exact, i);
    given += parts.back();
  }
  std::ranges::sort(fractions);
  for (std::size_t i = 0; given < total; ++i, ++given) ++parts[fractions[i].second];
  return parts;
}

}  // namespace

std::vector<std::int64_t> routed_counts(const Routing& routing, const RoutingDemand& demand) {
  const std::int64_t picks = demand.tokens * demand.top_k;
  if (routing.kind == RoutingKind::forced) {
    return apportioned(std::vector<std::int64_t>(static_cast<std::size_t>(demand.experts), 1),
                       picks);
  }
  if (routing.kind == RoutingKind::trace) {
    return apportioned(routing.trace.at(demand.layer), picks);
  }
  const Chances chances(routing, demand);
  DrawSequence numbers = stream(routing, demand, Stream::picks);
  return walk(chances, demand.tokens, [&](std::int64_t waiting, double chance) {
    return numbers.binomial(waiting, chance);
  });
}

std::vector<double> expected_counts(const Routing& routing, const RoutingDemand& demand) {
  const bool known = routing.kind == RoutingKind::forced || routing.kind == RoutingKind::trace;
  if (known) {
    const std::vector<std::int64_t> counts = routed_counts(routing, demand);
    return {counts.begin(), counts.end()};
  }
  const Chances chances(routing, demand);
  return walk(chances, static_cast<double>(demand.tokens),
              [](double waiting, double chance) { return waiting * chance; });
}

}  // namespace orrery
