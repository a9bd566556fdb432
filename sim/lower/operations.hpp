// The operations that ranks do together, as their scripts name them: for every kind of group a
// table of (what, how many bytes), shared by all groups of that kind so that both ends mean the
// same by "plan 3".
#pragma once

#include "base/quantity.hpp"
#include "collective/collective.hpp"
#include "collective/expert_exchange.hpp"
#include "parallel/dimension.hpp"
#include "parallel/mesh.hpp"
#include "program/task.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace orrery {

struct OperationSpec {
  std::string name;
  CollectiveKind kind = CollectiveKind::all_reduce;
  Bytes size;
  Component component = Component::other;
  TokenExchange tokens{};  ///< of a dispatch or combine
  Carrier carrier = Carrier::library;

  bool operator==(const OperationSpec&) const = default;
};

/// Groups that do the same operations: those of an axis in one stage, all transfers from one stage
/// to another, or along an axis in one stage from every member to the next, around a ring; or every
/// rank of a stage by itself, with the memory of its host.
struct GroupKind {
  enum class What : std::uint8_t { axis, activation, gradient, ring, to_host, from_host, in_host };
  What what = What::axis;
  GroupAxis axis = GroupAxis::tp;
  std::int64_t from = 0;  ///< the stage; for transfers the sending one. -1: groups across stages
  std::int64_t to = 0;

  auto operator<=>(const GroupKind&) const = default;
};

/// What a rank is in a group of two around a ring, of which it takes part in two; elsewhere member.
enum class Role : std::uint8_t { member, sender, receiver };

/// "tp", "pp_activation_0_to_1", "cp_ring": the name of the group.
std::string group_name(const GroupKind& kind);
/// The name of the slot: the group's, and around a ring the role, as in "cp_ring_send".
std::string slot_name(const GroupKind& kind, Role role = Role::member);

inline constexpr std::int64_t all_stages = -1;

class OperationTables {
 public:
  /// The index of the operation in its kind's table, entered when new.
  std::uint16_t index_of(const GroupKind& kind, const OperationSpec& operation);

  const std::map<GroupKind, std::vector<OperationSpec>>& all() const { return tables_; }

 private:
  std::map<GroupKind, std::vector<OperationSpec>> tables_;
};

}  // namespace orrery
