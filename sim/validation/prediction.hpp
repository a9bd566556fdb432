// What is predicted for one row of a table, or why nothing is.
#pragma once

#include <functional>
#include <map>
#include <string>

namespace orrery {

struct Interval {
  double low = 0.0;
  double high = 0.0;

  bool holds(double value) const { return value >= low && value <= high; }
};

struct Prediction {
  std::map<std::string, double, std::less<>> metrics;  ///< "step_time_s": SI base units
  /// Where the time of the average rank went, for studies: "compute", "exposed_tp", "bubble", …
  std::map<std::string, double, std::less<>> components;
  /// 10th and 90th percentile of metrics that follow from the step time.
  std::map<std::string, Interval, std::less<>> intervals{};
  std::string objection;  ///< why there are no metrics; empty when there are
};

}  // namespace orrery
