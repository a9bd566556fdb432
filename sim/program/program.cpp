#include "program/program.hpp"

namespace orrery {

std::size_t task_count(const Script& script) {
  std::size_t count = 0;
  for (const Lane& lane : script.lanes) count += lane.tasks.size();
  return count;
}

std::size_t task_count(const Program& program) {
  std::size_t count = 0;
  for (const RankClass& rank_class : program.classes) {
    count += task_count(program.scripts[rank_class.script]);
  }
  return count;
}

}  // namespace orrery
