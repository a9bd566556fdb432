#include "collective/choose.hpp"

#include "base/check.hpp"

namespace orrery {

namespace {

/// Bare transfers: what the wire takes and nothing else.
Choice choose_bare(CollectiveKind kind, const CollectiveAlgorithm* forced) {
  std::string_view name = "ring";
  const bool all = kind == CollectiveKind::all_to_all || kind == CollectiveKind::dispatch ||
                   kind == CollectiveKind::combine;
  if (all) name = "direct";
  if (kind == CollectiveKind::send_recv) name = "send";
  Choice choice;
  choice.algorithm = forced != nullptr ? forced : find_collective_algorithm(name);
  return choice;
}

}  // namespace

bool is_collective_library(std::string_view library) {
  return library == "none" || nccl::parse_version(library).has_value();
}

Chooser::Chooser(std::span<const VertexId> members, const Cluster& cluster,
                 const CollectiveTuning& tuning)
    : members_(members), cluster_(cluster), version_(nccl::parse_version(tuning.library)) {
  CHECK(!members.empty());
  if (!tuning.algorithm.empty()) wish_ = find_collective_algorithm(tuning.algorithm);
  if (version_ && members.size() >= 2) known_ = nccl::survey(members, cluster);
}

Choice Chooser::choose(CollectiveKind kind, Bytes size) const {
  const bool possible = wish_ != nullptr && wish_->applicable(kind, members_, cluster_);
  const CollectiveAlgorithm* const forced = possible ? wish_ : nullptr;
  if (forced != nullptr && is_expert_exchange(forced->name)) {
    return choose(kind, size, TokenExchange{.algorithm = std::string(forced->name)});
  }
  if (!known_) return choose_bare(kind, forced);
  return nccl::choose(kind, size, *known_, *version_, forced == nullptr ? "" : forced->name);
}

Choice Chooser::choose(CollectiveKind kind, Bytes size, const TokenExchange& tokens) const {
  if (tokens.algorithm.empty() || members_.size() < 2) {
    Choice choice = choose(kind, size);
    // What a member's channels reach is for the fullest to share.
    choice.rate_cap /= tokens.spread.fullest_over_mean(members_.size());
    return choice;
  }
  return choose_expert_exchange(kind, tokens, members_, cluster_);
}

Choice Chooser::copy(Bytes size) const {
  const VertexId from = members_.front();
  const VertexId to = members_.back();
  const bool inside = cluster_.domain_of(from) == cluster_.domain_of(to);
  if (!inside || !known_) return choose(CollectiveKind::send_recv, size);
  Choice choice = choose_bare(CollectiveKind::send_recv, nullptr);
  choice.memory_traffic = 2.0;  // read here, written there
  return choice;
}

Choice choose(CollectiveKind kind, Bytes size, std::span<const VertexId> members,
              const Cluster& cluster, const CollectiveTuning& tuning) {
  return Chooser(members, cluster, tuning).choose(kind, size);
}

}  // namespace orrery
