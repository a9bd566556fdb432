// Identities. Each is its own type, so that a node is never mistaken for a rank; none has
// arithmetic. All are dense: they count from zero, which is why `IdVector` is the only way to index
// by them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace orrery {

enum class RankId : std::uint32_t {};      ///< one process on one GPU of the job
enum class NodeId : std::uint32_t {};      ///< a server of the cluster
enum class VertexId : std::uint32_t {};    ///< a GPU, switch, NIC or socket of the cluster graph
enum class LinkId : std::uint32_t {};      ///< a directed edge of the cluster graph
enum class ClassId : std::uint32_t {};     ///< a set of ranks that provably behave alike
enum class ScriptId : std::uint32_t {};    ///< the lanes of tasks that alike ranks share
enum class KindId : std::uint32_t {};      ///< what a task does: its name and its action
enum class GroupId : std::uint32_t {};     ///< a class of alike groups of ranks that communicate
enum class PlanId : std::uint32_t {};      ///< how a collective moves its bytes: phases of bundles
enum class PatternId : std::uint32_t {};   ///< which resources a bundle of transfers crosses
enum class ResourceId : std::uint32_t {};  ///< a shared capacity: a class of alike links

template <typename Id>
constexpr std::size_t index_of(Id id) {
  return static_cast<std::size_t>(id);
}

template <typename Id>
constexpr Id id_at(std::size_t index) {
  return static_cast<Id>(index);
}

/// How many a class stands for.
using Multiplicity = std::uint32_t;

}  // namespace orrery
