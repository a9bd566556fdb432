// Which script a rank runs: that of its pipeline stage and, where routing is uneven, of its place
// among the ranks that share the stage's experts. Places with the same load in every layer have one
// script, so that with an even routing a stage has one.
#pragma once

#include "base/ids.hpp"
#include "parallel/plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery {

struct ScriptPlace {
  std::int64_t stage = 0;
  std::int64_t expert_rank = 0;  ///< coordinate ep of the first of those that run it
  bool alone = true;             ///< the only script of its stage

  /// "stage 3", "stage 3, expert rank 5".
  std::string name() const;
};

class ScriptPlaces {
 public:
  explicit ScriptPlaces(const Plan& plan);

  /// By number of the script.
  const std::vector<ScriptPlace>& all() const { return places_; }
  std::size_t script_of(RankId rank) const;

 private:
  const Mesh& mesh_;
  std::vector<ScriptPlace> places_;
  /// By stage and coordinate ep; a stage with one script has one entry.
  std::vector<std::vector<std::size_t>> number_;
};

}  // namespace orrery
