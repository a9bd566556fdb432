#include "collective/expert_paths.hpp"

#include "collective/paths.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace orrery {

namespace {

constexpr std::uint64_t whole = std::uint64_t{1} << 32;

struct Hops {
  std::uint32_t inside = 0;
  std::uint32_t between = 0;
};

/// One transfer, of so much for each byte of the operation's size.
struct Sent {
  double volume = 0.0;
  VertexId source{};
  VertexId target{};
};

/// Transfers of equal volume together, or where volumes differ all of them in proportion.
class Bundles {
 public:
  Bundles(CollectiveKind kind, const Cluster& cluster)
      : cluster_(cluster), back_(kind == CollectiveKind::combine) {}

  /// Of a dispatch from `source` to `target`; of a combine the other way.
  void add(double volume, VertexId source, VertexId target) {
    Bundle& bundle = bundle_of(volume);
    bundle.sum.add(back_ ? target : source, back_ ? source : target, whole);
    ++bundle.transfers;
  }

  /// Transfers that all move in proportion to their volumes.
  void add_in_proportion(const std::vector<Sent>& all) {
    double volume = 0.0;
    for (const Sent& one : all) volume += one.volume;
    if (volume == 0.0) return;
    const bool alike =
        std::ranges::all_of(all, [&](const Sent& one) { return one.volume == all.front().volume; });
    const double mean = alike ? all.front().volume : volume / static_cast<double>(all.size());
    Bundle& bundle = bundle_of(mean);
    for (const Sent& one : all) {
      const auto weight =
          static_cast<std::uint64_t>(std::llround(one.volume / mean * static_cast<double>(whole)));
      bundle.sum.add(back_ ? one.target : one.source, back_ ? one.source : one.target, weight);
    }
    bundle.transfers += static_cast<std::uint32_t>(all.size());
  }

  /// Every ordered pair of the members of one domain.
  void add_pairs(double volume, std::span<const VertexId> domain) {
    if (domain.size() < 2) return;
    const Cluster::AllPairs pairs = cluster_.all_pairs(domain);
    Bundle& bundle = bundle_of(volume);
    bundle.sum.add(pairs.inside);
    bundle.transfers += static_cast<std::uint32_t>(domain.size() * (domain.size() - 1));
    bundle.latency = std::max(bundle.latency, pairs.inside_latency);
  }

  Duration latency() const {
    Duration longest{0};
    for (const auto& [volume, bundle] : bundles_) {
      longest = std::max({longest, bundle.latency, bundle.sum.latency()});
    }
    return longest;
  }

  /// Appends to the phase; a byte makes these hops, and takes `more` beside their latency.
  void move_to(PhaseShape& phase, const Hops& hops, Duration more) {
    for (auto& [volume, bundle] : bundles_) {
      if (volume == 0.0 || bundle.transfers == 0) continue;
      const Duration latency = std::max(bundle.latency, bundle.sum.latency()) + more;
      phase.bundles.push_back(
          {bundle.sum.take(), volume, bundle.transfers, hops.inside, hops.between, latency});
    }
  }

 private:
  struct Bundle {
    PathSum sum;
    std::uint32_t transfers = 0;
    Duration latency{0};
  };

  Bundle& bundle_of(double volume) {
    return bundles_.try_emplace(volume, Bundle{PathSum(cluster_)}).first->second;
  }

  const Cluster& cluster_;
  bool back_;
  std::map<double, Bundle> bundles_;  ///< by volume
};

double sent(const PhaseShape& phase, std::size_t members) {
  double volume = 0.0;
  for (const BundleShape& bundle : phase.bundles) volume += bundle.volume * bundle.transfers;
  return volume / static_cast<double>(members);
}

/// Members as their layout has them, with their shares.
class Domains {
 public:
  Domains(std::span<const VertexId> members, const Cluster& cluster, const TokenSpread& spread)
      : layout_(lay_out(members, cluster)), spread_(spread) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      share_[members[i]] = spread.share(i, members.size());
    }
  }

  const std::vector<std::vector<VertexId>>& all() const { return layout_.domains; }
  double per_pick(double share) const {
    return spread_.chance(std::min(1.0, share)) / static_cast<double>(spread_.top_k);
  }
  double of_member(VertexId member) const { return per_pick(share_.at(member)); }
  double of_domain(const std::vector<VertexId>& domain) const {
    if (spread_.even()) {
      return per_pick(static_cast<double>(domain.size()) / static_cast<double>(layout_.members));
    }
    double share = 0.0;
    for (const VertexId member : domain) share += share_.at(member);
    return per_pick(share);
  }
  /// Senders whose tokens arrive at each member of the domain.
  double senders(const std::vector<VertexId>& domain) const {
    return static_cast<double>(layout_.members) / static_cast<double>(domain.size());
  }

 private:
  GroupLayout layout_;
  const TokenSpread& spread_;
  std::map<VertexId, double> share_;
};

/// Every member's part for each other domain.
template <typename Add>
void for_network(const Domains& domains, const Add& add) {
  for (const std::vector<VertexId>& target : domains.all()) {
    const double volume = domains.of_domain(target);
    for (const std::vector<VertexId>& source : domains.all()) {
      if (&source == &target) continue;
      for (std::size_t rail = 0; rail < source.size(); ++rail) {
        add(volume, source[rail], target[rail % target.size()]);
      }
    }
  }
}

/// What every arrival of a domain passes on to its other members.
template <typename Add>
void for_fan_out(const Domains& domains, const Add& add) {
  for (const std::vector<VertexId>& domain : domains.all()) {
    const double senders = domains.senders(domain);
    for (const VertexId target : domain) {
      for (const VertexId arrival : domain) {
        if (arrival != target) add(senders * domains.of_member(target), arrival, target);
      }
    }
  }
}

/// The same where all members get alike.
void add_even_fan_out(const Domains& domains, Bundles& inside) {
  for (const std::vector<VertexId>& domain : domains.all()) {
    inside.add_pairs(domains.senders(domain) * domains.of_member(domain.front()), domain);
  }
}

/// Takes down transfers to add them in proportion.
auto into(std::vector<Sent>& all) {
  return [&all](double volume, VertexId source, VertexId target) {
    all.push_back({volume, source, target});
  };
}

void add_uneven(const Domains& domains, Bundles& inside, Bundles& between) {
  std::vector<Sent> fanned;
  std::vector<Sent> crossing;
  for_fan_out(domains, into(fanned));
  for_network(domains, into(crossing));
  inside.add_in_proportion(fanned);
  between.add_in_proportion(crossing);
}

}  // namespace

Shape once_per_domain(CollectiveKind kind, std::span<const VertexId> members,
                      const Cluster& cluster, const TokenSpread& spread) {
  if (members.size() < 2) return {};
  const Domains domains(members, cluster, spread);
  Bundles inside(kind, cluster);
  Bundles between(kind, cluster);
  if (spread.even()) {
    add_even_fan_out(domains, inside);
    for_network(domains, [&](double volume, VertexId source, VertexId target) {
      between.add(volume, source, target);
    });
  } else {
    add_uneven(domains, inside, between);
  }
  const Duration fan_out = inside.latency();
  Shape shape;
  PhaseShape& phase = shape.phases.emplace_back();
  inside.move_to(phase, {1, 0}, Duration{0});
  between.move_to(phase, {0, 1}, fan_out);
  shape.sent_per_member = sent(phase, members.size());
  return shape;
}

Shape once_per_pick(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
                    const TokenSpread& spread) {
  if (members.size() < 2) return {};
  std::vector<Sent> near;
  std::vector<Sent> far;
  for (std::size_t target = 0; target < members.size(); ++target) {
    const double volume = spread.share(target, members.size());
    const std::uint32_t domain = cluster.domain_of(members[target]);
    for (const VertexId source : members) {
      if (source == members[target]) continue;
      const bool same = cluster.domain_of(source) == domain;
      (same ? near : far).push_back({volume, source, members[target]});
    }
  }
  Bundles inside(kind, cluster);
  Bundles between(kind, cluster);
  inside.add_in_proportion(near);
  between.add_in_proportion(far);
  Shape shape;
  PhaseShape& phase = shape.phases.emplace_back();
  inside.move_to(phase, {1, 0}, Duration{0});
  between.move_to(phase, {0, 1}, Duration{0});
  shape.sent_per_member = sent(phase, members.size());
  return shape;
}

}  // namespace orrery
