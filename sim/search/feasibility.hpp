// Can it work? What a scenario's plan needs against what there is, without simulating time.
//
// Three questions: are there enough GPUs and does everything divide (the scenario's own findings),
// does each rank's memory hold what the plan puts there (memory_estimate.hpp), and can the links
// carry what is asked of them (links.hpp). Each answer in the negative is a finding with its
// remedy. A plan whose batch does not divide is still measured, with the batch rounded up, as its
// memory is of interest all the same; one whose heads or experts do not divide is not.
#pragma once

#include "scenario/scenario.hpp"
#include "search/division.hpp"
#include "search/memory_estimate.hpp"

#include <optional>
#include <vector>

namespace orrery {

struct Feasibility {
  std::vector<Finding> verdicts;
  std::optional<Plan> plan;          ///< absent when the strategy cannot be planned
  std::vector<StageMemory> memory;   ///< by stage; empty without a plan
  std::optional<Division> division;  ///< absent only when there is no mesh to speak of

  bool feasible() const;  ///< no verdict is an error
};

Feasibility judge_feasibility(const Scenario& scenario);

/// What a rank may use of its GPU's memory: of the smallest, where they differ.
Bytes memory_capacity(const Scenario& scenario);
/// The same of the ranks of each stage.
std::vector<Bytes> memory_capacities(const Scenario& scenario);
/// The stage with the least room, or the most missing; the first of equals.
const StageMemory& tightest(const std::vector<StageMemory>& stages,
                            const std::vector<Bytes>& capacities);

/// The verdict on the tightest stage; nothing if it fits.
std::optional<Finding> judge_memory(const Scenario& scenario,
                                    const std::vector<StageMemory>& memory);

/// "optimizer 77.31 GB, parameters 19.33 GB, …": the larger holders, largest first.
std::string describe(const BytesByCategory& held);

}  // namespace orrery
