#include "search/remedies.hpp"

#include "base/diagnostics.hpp"
#include "scenario/validate.hpp"
#include "search/feasibility.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace orrery {

namespace {

bool has_gpus(const Scenario& scenario) {
  return std::ranges::none_of(judge(scenario, RuleKind::feasibility), [](const Finding& finding) {
    return finding.severity == Severity::error;
  });
}

double bytes_per_parameter(const Job& job) {
  double bytes = bytes_per_element(job.parameter_type);
  if (!job.trains()) return bytes;
  bytes += bytes_per_element(job.gradient_type) + (job.master_weights ? 4.0 : 0.0);
  if (job.optimizer == Optimizer::adam) bytes += 2.0 * bytes_per_element(job.optimizer_state_type);
  return bytes;
}

/// Whether the model would not fit even if everything were spread evenly over all GPUs.
bool is_hopeless(const Scenario& scenario) {
  const double gpus = static_cast<double>(scenario.strategy.world_size());
  const double least =
      count_parameters(scenario.model).total * bytes_per_parameter(scenario.job) / gpus;
  return least > static_cast<double>(memory_capacity(scenario).value());
}

bool fits(const Scenario& scenario) {
  if (is_hopeless(scenario) || !has_gpus(scenario) || !is_legal(scenario)) return false;
  const Plan plan = make_plan({scenario.model, scenario.software, scenario.job, scenario.strategy});
  return !judge_memory(scenario, estimate_memory(plan));
}

bool same_degrees(const Knobs& a, const Knobs& b) {
  return a.tp == b.tp && a.cp == b.cp && a.pp == b.pp && a.ep == b.ep && a.dp == b.dp;
}

/// With the same degrees, another candidate changes less and works already.
bool is_needless(const Candidate& candidate, const std::vector<Candidate>& working) {
  return std::ranges::any_of(working, [&](const Candidate& other) {
    if (!same_degrees(candidate.knobs, other.knobs)) return false;
    return std::ranges::all_of(other.changes, [&](const std::string& change) {
      return std::ranges::find(candidate.changes, change) != candidate.changes.end();
    });
  });
}

std::vector<Candidate> working_ones(const Scenario& scenario, ModelSize size,
                                    const RemedyLimits& limits) {
  std::vector<Candidate> working;
  std::size_t planned = 0;
  for (Candidate& candidate : candidates(scenario, size)) {
    if (working.size() >= limits.simulated || planned >= limits.planned) break;
    if (is_needless(candidate, working)) continue;
    const Scenario changed = with_knobs(scenario, candidate.knobs);
    if (is_hopeless(changed)) continue;
    ++planned;
    if (fits(changed)) working.push_back(std::move(candidate));
  }
  return working;
}

/// Nothing for a plan without the rank or link that the scenario slows down.
std::optional<Forecast> forecast_if_possible(const Scenario& scenario, const Simulate& simulate) {
  try {
    return simulate(scenario);
  } catch (const InvalidScenario&) {
    return std::nullopt;
  }
}

/// Twice the time of the fastest is as far as one more degree changed.
double distance(const Remedy& remedy, Seconds fastest) {
  constexpr double per_doubling = 2.0;
  return remedy.candidate.cost + per_doubling * std::log2(remedy.forecast.step_time / fastest);
}

/// Replicas that a small copy keeps if it can: enough for exchanges between them to leave a node.
constexpr std::int64_t replicas_kept = 16;

/// The plan with fewer replicas and as many micro-batches in each; as it is where there are none
/// to spare.
Scenario small_copy(Scenario scenario) {
  Strategy& s = scenario.strategy;
  if (!s.replica_batch.empty()) return scenario;  // shares are of these replicas
  const std::int64_t experts = s.ep * s.etp;
  const std::int64_t whole =
      std::lcm(experts / std::gcd(experts, s.tp * s.cp), s.dp_replicate);  // what cannot be parted
  for (std::int64_t dp = whole; dp < s.dp; dp += whole) {
    if (dp < replicas_kept || s.dp % dp != 0) continue;
    scenario.job.global_batch = scenario.job.global_batch / s.dp * dp;
    s.dp = dp;
    scenario.gpus = s.world_size();
    break;
  }
  return scenario;
}

/// Simulates each candidate, or a small copy of it, and leaves out what does not work after all.
std::vector<Remedy> simulated(const Scenario& scenario, const std::vector<Candidate>& all,
                              const Simulate& simulate, bool in_full) {
  std::vector<Remedy> remedies;
  for (const Candidate& candidate : all) {
    Scenario changed = with_knobs(scenario, candidate.knobs);
    const std::optional<Forecast> forecast =
        forecast_if_possible(in_full ? changed : small_copy(changed), simulate);
    // fits() has judged every stage by its own GPU.
    const Bytes largest = std::ranges::max(memory_capacities(changed));
    if (!forecast || (in_full && largest < forecast->peak)) continue;
    std::string strategy = to_string(changed.strategy);
    remedies.push_back({std::move(changed), std::move(strategy), candidate, *forecast});
  }
  return remedies;
}

void rank(std::vector<Remedy>& remedies) {
  if (remedies.empty()) return;
  Seconds fastest = remedies.front().forecast.step_time;
  for (const Remedy& remedy : remedies) fastest = std::min(fastest, remedy.forecast.step_time);
  std::ranges::stable_sort(remedies, {},
                           [&](const Remedy& remedy) { return distance(remedy, fastest); });
}

/// Those that may be simulated in full.
std::vector<Candidate> nearest_by_small_copies(const Scenario& scenario,
                                               std::vector<Candidate> working,
                                               const Simulate& simulate,
                                               const RemedyLimits& limits) {
  std::int64_t largest = 1;
  for (const Candidate& candidate : working) {
    largest = std::max(largest, with_knobs(scenario, candidate.knobs).strategy.world_size());
  }
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1, limits.ranks / largest));
  if (working.size() <= most) return working;
  std::vector<Remedy> copies = simulated(scenario, working, simulate, false);
  rank(copies);
  if (copies.size() > most) copies.resize(most);
  std::vector<Candidate> nearest;
  for (Remedy& copy : copies) nearest.push_back(std::move(copy.candidate));
  return nearest;
}

}  // namespace

std::vector<Remedy> find_remedies(const Scenario& scenario, const Simulate& simulate,
                                  const RemedyLimits& limits) {
  std::vector<Candidate> working = working_ones(scenario, ModelSize::kept, limits);
  if (working.empty()) working = working_ones(scenario, ModelSize::smaller, limits);
  working = nearest_by_small_copies(scenario, std::move(working), simulate, limits);
  std::vector<Remedy> remedies = simulated(scenario, working, simulate, true);
  rank(remedies);
  if (remedies.size() > limits.shown) remedies.resize(limits.shown);
  return remedies;
}

}  // namespace orrery
