// How a plan is started, and what to be alarmed by once it runs.
//
// The launch line is torchrun's, with the flags by which the scenario's stack takes its degrees
// (Megatron-LM arguments.py, torchtitan's config manager); paths of data and checkpoints are the
// user's. Limits are the simulated run's own figures with a tenth to spare: whoever crosses one
// runs something else than was planned.
#pragma once

#include "search/forecast.hpp"

#include <string>
#include <vector>

namespace orrery {

struct Alert {
  std::string metric;  ///< as in results: "memory.peak_bytes"
  bool above = true;   ///< alert when above the limit, else when below
  double limit = 0.0;  ///< SI units
  double expected = 0.0;
};

struct Launch {
  std::string command;  ///< may hold line breaks behind backslashes
  std::vector<Alert> alerts;
};

Launch launch_of(const Scenario& scenario, const Forecast& forecast);

}  // namespace orrery
