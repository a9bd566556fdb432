#include "base/check.hpp"
#include "collective/collective.hpp"
#include "collective/nccl.hpp"

namespace orrery {

namespace {

/// Bare transfers: what the wire takes and nothing else.
Choice choose_bare(CollectiveKind kind, const CollectiveAlgorithm* forced) {
  std::string_view name = "ring";
  if (kind == CollectiveKind::all_to_all) name = "direct";
  if (kind == CollectiveKind::send_recv) name = "send";
  Choice choice;
  choice.algorithm = forced != nullptr ? forced : find_collective_algorithm(name);
  return choice;
}

}  // namespace

bool is_collective_library(std::string_view library) {
  return library == "none" || nccl::parse_version(library).has_value();
}

Choice choose(CollectiveKind kind, Bytes size, std::span<const VertexId> members,
              const Cluster& cluster, const CollectiveTuning& tuning) {
  CHECK(!members.empty());
  const CollectiveAlgorithm* forced = nullptr;
  if (!tuning.algorithm.empty()) forced = find_collective_algorithm(tuning.algorithm);
  if (forced != nullptr && !forced->applicable(kind, members, cluster)) forced = nullptr;
  const std::optional<nccl::Version> version = nccl::parse_version(tuning.library);
  if (!version || members.size() < 2) return choose_bare(kind, forced);
  return nccl::choose(kind, size, nccl::survey(members, cluster), *version,
                      forced == nullptr ? "" : forced->name);
}

}  // namespace orrery
