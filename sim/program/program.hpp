// The Program: what every class of ranks does, lane by lane, and how each of their collectives
// crosses the network. It is the waist of the hourglass: front-ends write it, the engine executes
// it, and the two know nothing else of each other. It is immutable, printable (text.hpp) and
// verified before it runs.
//
// A *script* is the work of one rank: in-order lanes of tasks. A *class* of ranks runs a script,
// stands for `count` ranks and names, for every slot of the script, the group it takes part in. A
// *group* is likewise a class of alike groups, `count` of them; it has members (classes, and how
// many ranks of each one such group holds), plans (what its operations do) and patterns (what its
// transfers cross).
//
// Bundles (house rule): transfers of a collective that carry the same bytes and move at one common
// rate are one unknown of the network. A pattern says, for a resource, how many of them cross it:
// the weight, in units of 2^-32 transfers so that sums are exact integers and folding changes no
// bit of them. A weight already counts *all* groups that the group class stands for, as seen by one
// resource.
#pragma once

#include "base/id_vector.hpp"
#include "base/ids.hpp"
#include "base/quantity.hpp"
#include "base/time.hpp"
#include "program/task.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace orrery {

struct Lane {
  std::string name{};  ///< "compute", "tensor", "expert", "data", "pipeline_receive", …
  std::vector<Task> tasks{};

  bool operator==(const Lane&) const = default;
};

inline constexpr std::size_t max_lanes = 32;  ///< a bit each in a word of 32

struct Script {
  std::string name;                  ///< "stage 3"
  std::vector<Lane> lanes{};         ///< lane 0 is where kernels compute; at most max_lanes
  std::vector<Wait> waits{};         ///< what tasks point into
  std::vector<std::string> slots{};  ///< the groups a rank takes part in: "tp", "dp", "pp_next"
  BytesByCategory resident{};        ///< held before the first task and after the last
  Bytes memory_capacity{};           ///< of the GPU this script runs on
  /// What kernels reach of that GPU's HBM; the whole that Compute::memory is a share of.
  BytesPerSecond memory_bandwidth{};

  bool operator==(const Script&) const = default;
};

struct RankClass {
  ScriptId script{};
  Multiplicity count = 1;
  RankId representative{};
  double slowdown = 1.0;          ///< factor on every computation; 1.1 is a straggler 10 % slower
  std::vector<GroupId> groups{};  ///< by slot of the script

  bool operator==(const RankClass&) const = default;
};

struct Member {
  ClassId rank_class{};
  Multiplicity count = 1;  ///< ranks of that class in one group

  bool operator==(const Member&) const = default;
};

struct Group {
  std::string name{};                 ///< "tp", "dp of stage 3"
  Multiplicity count = 1;             ///< groups this one stands for
  std::vector<Member> members{};      ///< ascending by class
  std::vector<PlanId> plans{};        ///< what Communicate::plan indexes
  std::vector<PatternId> patterns{};  ///< what Bundle::pattern indexes

  bool operator==(const Group&) const = default;
};

/// Equal transfers at one common rate. `bytes` are what one transfer puts on the wire.
struct Bundle {
  std::uint32_t pattern = 0;  ///< into Group::patterns
  double bytes = 0.0;
  Duration latency{0};  ///< passes before the first byte moves
  /// What one transfer reaches when alone, whatever its links could carry (channels, protocol).
  double rate_cap = std::numeric_limits<double>::infinity();  ///< bytes per second
  /// Bytes through the HBM of each member for a byte of one transfer, in units of 2^-32.
  std::uint64_t memory = 0;

  bool operator==(const Bundle&) const = default;
};

/// Bundles that start together. The next phase starts when all have ended.
struct Phase {
  std::vector<Bundle> bundles{};
  std::uint32_t repeat = 1;  ///< the phase is done so many times in a row

  bool operator==(const Phase&) const = default;
};

/// How one operation moves its bytes. A plan without phases takes no time.
struct TransferPlan {
  std::string name{};  ///< "all_reduce ring/simple"
  Component component = Component::other;
  std::string operation{};  ///< "all_reduce"
  Bytes size{};             ///< as nccl-tests counts it; for reports
  /// What each member sends by the operation's formula; the engine's books must agree.
  double bytes_sent_per_member = 0.0;
  std::vector<Phase> phases{};
  float sm = 0.0F;  ///< share of a member GPU's SMs held while it runs

  bool operator==(const TransferPlan&) const = default;
};

inline constexpr std::uint64_t one_transfer = std::uint64_t{1} << 32;

struct Crossing {
  ResourceId resource{};
  std::uint64_t weight = one_transfer;  ///< transfers crossing, in units of 2^-32

  bool operator==(const Crossing&) const = default;
};

using Pattern = std::vector<Crossing>;  ///< ascending by resource, each at most once

/// A class of alike links.
struct Resource {
  std::string name{};  ///< of its representative link: "node[0].gpu[3] → nvswitch"
  std::string kind{};  ///< "nvlink", "nic", "leaf_spine": what summaries add up by
  BytesPerSecond capacity{};
  Multiplicity count = 1;

  bool operator==(const Resource&) const = default;
};

struct Program {
  std::string name;
  IdVector<KindId, Kind> kinds;
  IdVector<ScriptId, Script> scripts;
  IdVector<ClassId, RankClass> classes;
  IdVector<GroupId, Group> groups;
  IdVector<PlanId, TransferPlan> plans;
  IdVector<PatternId, Pattern> patterns;
  IdVector<ResourceId, Resource> resources;
  IdVector<RankId, ClassId> class_of_rank;

  bool operator==(const Program&) const = default;
};

/// Tasks of one rank of the class, over all lanes.
std::size_t task_count(const Script& script);
/// Tasks that a run of the program executes: the sum over classes, each counted once.
std::size_t task_count(const Program& program);

}  // namespace orrery
