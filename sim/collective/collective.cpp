#include "collective/collective.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace orrery {

std::string_view to_string(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::all_reduce:
      return "all_reduce";
    case CollectiveKind::all_gather:
      return "all_gather";
    case CollectiveKind::reduce_scatter:
      return "reduce_scatter";
    case CollectiveKind::all_to_all:
      return "all_to_all";
    case CollectiveKind::broadcast:
      return "broadcast";
    case CollectiveKind::send_recv:
      return "send_recv";
    case CollectiveKind::dispatch:
      return "dispatch";
    case CollectiveKind::combine:
      return "combine";
  }
  CHECK(false, static_cast<int>(kind));
}

double bytes_sent_per_member(CollectiveKind kind, std::size_t members) {
  if (members < 2) return 0.0;
  const auto n = static_cast<double>(members);
  switch (kind) {
    case CollectiveKind::all_reduce:
      return 2.0 * (n - 1.0) / n;
    case CollectiveKind::all_gather:
    case CollectiveKind::reduce_scatter:
    case CollectiveKind::all_to_all:
    case CollectiveKind::dispatch:
    case CollectiveKind::combine:
      return (n - 1.0) / n;
    case CollectiveKind::broadcast:
    case CollectiveKind::send_recv:
      return 1.0;
  }
  CHECK(false, static_cast<int>(kind));
}

const CollectiveAlgorithm* find_collective_algorithm(std::string_view name) {
  for (const CollectiveAlgorithm* algorithm : registered_collective_algorithms()) {
    if (algorithm->name == name) return algorithm;
  }
  return nullptr;
}

}  // namespace orrery
