#include "hardware/ratio_table.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace orrery {

namespace {

constexpr double reach = 1.0;     // in octaves: half of a ratio is believed at this distance
constexpr double nearest = 1e-3;  // a shape as measured

/// The logarithm of a row's ratio at m, of the nearest m beyond its ends.
double log_ratio(const std::vector<double>& sizes, const std::vector<double>& ratios, double m) {
  const auto above = std::ranges::lower_bound(sizes, m);
  if (above == sizes.begin()) return std::log(ratios.front());
  if (above == sizes.end()) return std::log(ratios.back());
  const auto i = static_cast<std::size_t>(above - sizes.begin());
  const double share = std::log(m / sizes[i - 1]) / std::log(sizes[i] / sizes[i - 1]);
  return (1.0 - share) * std::log(ratios[i - 1]) + share * std::log(ratios[i]);
}

}  // namespace

double ratio_at(const RatioTable& table, double m, double n, double k) {
  double sum = 0.0;
  double weights = 1.0 / (reach * reach * reach);
  for (const RatioTable::Row& row : table.rows) {
    CHECK(row.ratios.size() == table.m.size(), row.ratios.size(), table.m.size());
    const double distance =
        std::max(nearest, std::hypot(std::log2(n / row.n), std::log2(k / row.k)));
    const double weight = 1.0 / (distance * distance * distance);
    sum += weight * log_ratio(table.m, row.ratios, m);
    weights += weight;
  }
  return std::exp(sum / weights);
}

}  // namespace orrery
