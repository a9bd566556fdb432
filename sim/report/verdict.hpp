// What a run's figures mean: what stands in the way, what is worrying, and what to change.
//
// An error keeps the run from being done for real (it does not fit, GPUs are missing); a warning is
// a risk or a waste that is likely a mistake; advice is where time or money lies. Every remedy is
// computed from the run's own numbers and names the key to change; estimates say that they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

enum class Weight : std::uint8_t { error, warning, advice };
std::string_view to_string(Weight weight);

struct Verdict {
  std::string code;  ///< stable, for programs: "memory_exceeded"
  Weight weight = Weight::advice;
  std::string message;  ///< what was found, in a sentence without its full stop
  std::string remedy;   ///< what to change; may be empty
};

struct Scenario;
struct Plan;
struct Summary;

struct VerdictInput {
  const Scenario& scenario;
  const Plan& plan;
  const Summary& summary;  ///< all figures but the verdicts
};

/// All verdicts, errors first; within a weight in the order in which a reader wants to hear of
/// them.
std::vector<Verdict> find_verdicts(const VerdictInput& input);

/// The parts of find_verdicts, each of one subject (verdict_memory.cpp, …).
std::vector<Verdict> memory_verdicts(const VerdictInput& input);
std::vector<Verdict> pipeline_verdicts(const VerdictInput& input);
std::vector<Verdict> exchange_verdicts(const VerdictInput& input);
std::vector<Verdict> compute_verdicts(const VerdictInput& input);

}  // namespace orrery
