// Errors of many rows as a few numbers.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace orrery {

struct ErrorStatistics {
  std::size_t rows = 0;
  double mean_absolute = 0.0;
  double median_absolute = 0.0;
  double p90_absolute = 0.0;
  double worst = 0.0;  ///< the error furthest from zero, with its sign
  double bias = 0.0;   ///< mean of the errors
  /// Share of the rows whose measured value lies in the interval of the predicted one; nothing
  /// where predictions have none.
  std::optional<double> inside{};
};

/// Of predicted ÷ measured − 1. Percentiles interpolate linearly between the ranked errors.
ErrorStatistics statistics(const std::vector<double>& errors);

/// Groups weigh the same, however many rows they have: the mean of each number over the groups; the
/// worst is the worst of all. The share inside is that of the groups that have one.
ErrorStatistics mean_over_groups(const std::vector<ErrorStatistics>& groups);

}  // namespace orrery
