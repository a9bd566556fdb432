#include "lower/operations.hpp"

#include "base/check.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace orrery {

std::string group_name(const GroupKind& kind) {
  switch (kind.what) {
    case GroupKind::What::axis:
      return std::string(to_string(kind.axis));
    case GroupKind::What::activation:
      return fmt::format("pp_activation_{}_to_{}", kind.from, kind.to);
    case GroupKind::What::gradient:
      return fmt::format("pp_gradient_{}_to_{}", kind.from, kind.to);
    case GroupKind::What::ring:
      return fmt::format("{}_ring", to_string(kind.axis));
    case GroupKind::What::to_host:
      return "to_host";
    case GroupKind::What::from_host:
      return "from_host";
    case GroupKind::What::in_host:
      return "host";
  }
  return "";
}

std::string slot_name(const GroupKind& kind, Role role) {
  if (role == Role::member) return group_name(kind);
  return group_name(kind) + (role == Role::sender ? "_send" : "_receive");
}

std::uint16_t OperationTables::index_of(const GroupKind& kind, const OperationSpec& operation) {
  std::vector<OperationSpec>& table = tables_[kind];
  const auto found = std::ranges::find(table, operation);
  const auto index = static_cast<std::size_t>(found - table.begin());
  if (found == table.end()) table.push_back(operation);
  CHECK(index < none_16, operation.name);
  return static_cast<std::uint16_t>(index);
}

}  // namespace orrery
