#include "validation/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

double percentile(const std::vector<double>& ranked, double share) {
  const double place = share * static_cast<double>(ranked.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, ranked.size() - 1);
  const double weight = place - static_cast<double>(below);
  return ranked[below] * (1.0 - weight) + ranked[above] * weight;
}

double further_from_zero(double a, double b) { return std::abs(b) > std::abs(a) ? b : a; }

}  // namespace

ErrorStatistics statistics(const std::vector<double>& errors) {
  ErrorStatistics out{.rows = errors.size()};
  if (errors.empty()) return out;
  std::vector<double> ranked;
  for (const double error : errors) {
    ranked.push_back(std::abs(error));
    out.mean_absolute += std::abs(error);
    out.bias += error;
    out.worst = further_from_zero(out.worst, error);
  }
  std::ranges::sort(ranked);
  out.mean_absolute /= static_cast<double>(errors.size());
  out.bias /= static_cast<double>(errors.size());
  out.median_absolute = percentile(ranked, 0.5);
  out.p90_absolute = percentile(ranked, 0.9);
  return out;
}

ErrorStatistics mean_over_groups(const std::vector<ErrorStatistics>& groups) {
  ErrorStatistics out;
  if (groups.empty()) return out;
  const double share = 1.0 / static_cast<double>(groups.size());
  double inside = 0.0;
  double judged = 0.0;
  for (const ErrorStatistics& group : groups) {
    inside += group.inside.value_or(0.0);
    judged += group.inside ? 1.0 : 0.0;
    out.rows += group.rows;
    out.mean_absolute += share * group.mean_absolute;
    out.median_absolute += share * group.median_absolute;
    out.p90_absolute += share * group.p90_absolute;
    out.bias += share * group.bias;
    out.worst = further_from_zero(out.worst, group.worst);
  }
  if (judged > 0.0) out.inside = inside / judged;
  return out;
}

}  // namespace orrery
