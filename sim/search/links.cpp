#include "search/links.hpp"

#include "base/units_text.hpp"
#include "collective/collective.hpp"
#include "lower/layer_template.hpp"
#include "parallel/sharding.hpp"
#include "scenario/faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

namespace orrery {

namespace {

/// What a rank asks for in a step: how much, by kind of operation.
using Sizes = std::map<CollectiveKind, double>;
using Asked = std::map<GroupAxis, Sizes>;

void add(const std::vector<Exchange>& exchanges, double times, Asked& asked) {
  for (const Exchange& exchange : exchanges) {
    asked[exchange.group][collective_kind(exchange.kind)] +=
        times * static_cast<double>(exchange.size.value());
  }
}

void add(const Ring& ring, double times, Asked& asked) {
  for (const Bytes sent : ring.sent) {
    asked[ring.group][CollectiveKind::send_recv] += times * static_cast<double>(sent.value());
  }
}

void add_layer(const LayerPlan& layer, const Plan& plan, Asked& asked) {
  const auto times = static_cast<double>(plan.micro_batches / plan.strategy.weight_copies());
  for (const ShardedOp& op : layer.ops) {
    const double forwards = op.recomputed && plan.training() ? 2.0 : 1.0;
    add(op.exchanges.before_forward, forwards * times, asked);
    add(op.exchanges.after_forward, forwards * times, asked);
    add(op.exchanges.forward_ring, forwards * times, asked);
    if (!plan.training()) continue;
    add(op.exchanges.before_backward, times, asked);
    add(op.exchanges.after_backward, times, asked);
    add(op.exchanges.backward_ring, times, asked);
  }
}

/// Gradients of replicas along an axis, and parameters that ZeRO divides over them. How often is at
/// least: embedding and head are gathered once less than layers.
void add_replicas(const Plan& plan, GroupAxis axis, double parameters, Asked& asked) {
  const Strategy& s = plan.strategy;
  const double gradients = parameters * bytes_per_element(gradient_wire(plan));
  if (s.zero == 0) {
    asked[axis][CollectiveKind::all_reduce] += gradients;
    return;
  }
  const auto micro_batches = static_cast<double>(plan.micro_batches);
  const GroupAxis shards = plan.mesh.sharding_axis(axis);
  const double reductions = s.zero >= 2 && !s.defers_reduction() ? micro_batches : 1.0;
  const bool again = s.zero == 3 && (s.reshards_after_forward() || !s.defers_reduction());
  const double gathers = again ? micro_batches : 1.0;
  asked[shards][CollectiveKind::reduce_scatter] += reductions * gradients;
  asked[shards][CollectiveKind::all_gather] +=
      gathers * parameters * bytes_per_element(gather_type(plan));
  if (s.dp_replicate == 1) return;
  asked[Mesh::replicating_axis(axis)][CollectiveKind::all_reduce] +=
      reductions * gradients / static_cast<double>(plan.mesh.group_size(shards));
}

Asked asked_by(const StagePlan& stage, const Plan& plan) {
  Asked asked;
  for (const ChunkPlan& chunk : stage.chunks) {
    for (const PlacedLayer& placed : chunk.layers) {
      add_layer(plan.layers[placed.plan], plan, asked);
    }
  }
  if (!plan.training()) return asked;
  add_replicas(plan, GroupAxis::dp, stage.dense_parameters, asked);
  add_replicas(plan, GroupAxis::expert_dp, stage.expert_parameters, asked);
  return asked;
}

/// Where the members of one group are, seen from its first.
struct Spread {
  VertexId first{};
  VertexId near{};  ///< another member in its node, or itself
  VertexId far{};   ///< a member in another node, or itself
  std::int64_t members = 1;
  std::int64_t in_node = 0;
};

Spread spread_of(const Plan& plan, GroupAxis axis, const Cluster& cluster) {
  const std::vector<RankId> group = plan.mesh.groups(axis).front();
  Spread spread;
  spread.first = spread.near = spread.far = plan.gpu_of_rank[index_of(group.front())];
  spread.members = static_cast<std::int64_t>(group.size());
  for (const RankId rank : group) {
    const VertexId gpu = plan.gpu_of_rank[index_of(rank)];
    const bool inside = cluster.domain_of(gpu) == cluster.domain_of(spread.first);
    spread.in_node += inside ? 1 : 0;
    (inside ? spread.near : spread.far) = gpu;
  }
  return spread;
}

double slowest_link(const Cluster& cluster, VertexId source, VertexId target) {
  double slowest = std::numeric_limits<double>::infinity();
  for (const LinkCrossing& crossing : cluster.route(source, target).crossings) {
    slowest = std::min(slowest, cluster.link(crossing.link).capacity.value());
  }
  return slowest;
}

/// The GPU of the lowest number in a domain.
std::size_t first_of_domain(const Plan& plan, const Cluster& cluster, VertexId member) {
  std::size_t first = index_of(member);
  for (const VertexId gpu : plan.gpu_of_rank) {
    if (cluster.domain_of(gpu) == cluster.domain_of(member)) first = std::min(first, index_of(gpu));
  }
  return first;
}

/// A rank's share of what its domain's adapters carry: every GPU of the domain that the job uses
/// sends as much, each to its opposite number, so that every rail is used.
double share_of_adapters(const Plan& plan, const Spread& spread, const Cluster& cluster) {
  const std::size_t here = first_of_domain(plan, cluster, spread.first);
  const std::size_t there = first_of_domain(plan, cluster, spread.far);
  std::set<LinkId> adapters;
  double ranks = 0.0;
  for (const VertexId gpu : plan.gpu_of_rank) {
    if (cluster.domain_of(gpu) != cluster.domain_of(spread.first)) continue;
    ranks += 1.0;
    const auto target = id_at<VertexId>(there + index_of(gpu) - here);
    if (index_of(target) >= cluster.gpu_count()) continue;
    for (const LinkCrossing& crossing : cluster.route(gpu, target).crossings) {
      const Link& link = cluster.link(crossing.link);
      const bool leaves = cluster.kind(link.source) == VertexKind::nic;
      if (leaves && cluster.kind(link.target) == VertexKind::network_switch) {
        adapters.insert(crossing.link);
      }
    }
  }
  double capacity = 0.0;
  for (const LinkId link : adapters) capacity += cluster.link(link).capacity.value();
  return adapters.empty() ? slowest_link(cluster, spread.first, spread.far) : capacity / ranks;
}

/// What leaves a rank's node, of `size` bytes that it gives to an operation: of a dispatch that
/// looks at nodes, a token once for each that holds any of its experts.
double leaving_node(CollectiveKind kind, double size, const Spread& spread, const Plan& plan) {
  const auto members = static_cast<double>(spread.members);
  const double here = static_cast<double>(spread.in_node) / members;
  if (kind == CollectiveKind::all_to_all) return size * (1.0 - here);
  if (kind == CollectiveKind::dispatch || kind == CollectiveKind::combine) {
    const TokenSpread tokens = token_spread(plan);
    const double nodes = 1.0 / here - 1.0;
    return size * nodes * tokens.chance(here) / static_cast<double>(tokens.top_k);
  }
  return size * bytes_sent_per_member(kind, static_cast<std::size_t>(spread.members)) /
         static_cast<double>(spread.in_node);
}

/// What the groups of an axis have for their exchanges; no stage differs from another in it.
struct Supply {
  Spread spread;
  double inside = 0.0;   ///< bytes per second, of the slowest link to a member of the node
  double outside = 0.0;  ///< of the adapters, a rank's share
};

Supply supply_of(const Plan& plan, GroupAxis axis, const Cluster& cluster) {
  const Spread spread = spread_of(plan, axis, cluster);
  const double inside = slowest_link(cluster, spread.first, spread.near);
  const bool leaves = spread.in_node < spread.members;
  return {spread, inside, leaves ? share_of_adapters(plan, spread, cluster) : inside};
}

LinkDemand demand_of(const Plan& plan, const Supply& supply, GroupAxis axis, const Sizes& sizes) {
  const Spread& spread = supply.spread;
  const auto members = static_cast<double>(spread.members);
  double sent = 0.0;
  double leaving = 0.0;
  for (const auto& [kind, size] : sizes) {
    const double bytes = size * bytes_sent_per_member(kind, static_cast<std::size_t>(members));
    sent += bytes;
    if (spread.in_node == spread.members) continue;
    leaving += leaving_node(kind, size, spread, plan);
  }
  const double inside = supply.inside;
  const double outside = leaving > 0.0 ? supply.outside : inside;
  const bool far = leaving / outside >= (sent - leaving) / inside;
  LinkDemand demand{axis,
                    spread.members,
                    spread.in_node,
                    Bytes(static_cast<std::int64_t>(sent)),
                    Bytes(static_cast<std::int64_t>(leaving)),
                    {},
                    {}};
  demand.capacity = BytesPerSecond(far ? outside : inside);
  demand.least = Seconds(far ? leaving / outside : (sent - leaving) / inside);
  return demand;
}

std::string remedy_for(const LinkDemand& demand) {
  if (demand.members_in_node == demand.members) return "a smaller degree, or faster links";
  switch (demand.axis) {
    case GroupAxis::dp:
    case GroupAxis::expert_dp:
    case GroupAxis::dp_shard:
    case GroupAxis::expert_dp_shard:
    case GroupAxis::dp_replicate:
    case GroupAxis::expert_dp_replicate:
      return "more micro-batches a step, or fewer parameters on a rank";
    case GroupAxis::tp:
    case GroupAxis::ep:
    case GroupAxis::etp:
      return "a degree that stays inside a node";
    default:
      return "fewer ranks in such a group, or more adapters";
  }
}

Finding saturated(const Scenario& scenario, const LinkDemand& demand, Seconds computing) {
  const bool leaves = demand.leaving.value() > 0;
  return {
      "links_saturated", Severity::warning,
      fmt::format(
          "groups along {} ({} ranks, {} of them in a node) send {} a step from each rank{}; at "
          "{} a rank that takes at least {}, while computing takes at least {}",
          to_string(demand.axis), demand.members, demand.members_in_node,
          format_bytes(leaves ? demand.leaving : demand.sent), leaves ? " to other nodes" : "",
          format_rate(demand.capacity), format_seconds(demand.least), format_seconds(computing)),
      remedy_for(demand), scenario.position("strategy")};
}

}  // namespace

Seconds least_computing(const Scenario& scenario, const Plan& plan) {
  const auto ranks = static_cast<std::int64_t>(plan.mesh.size());
  const double rate = scenario.cluster.peak_of(ranks, plan.job.precision).value();
  return Seconds(plan.model_flops / rate);
}

std::vector<LinkDemand> link_demands(const Plan& plan, const Cluster& cluster) {
  std::vector<LinkDemand> demands;
  std::map<GroupAxis, Supply> supplies;
  for (const StagePlan& stage : plan.stages) {
    for (const auto& [axis, sizes] : asked_by(stage, plan)) {
      if (plan.mesh.group_size(axis) < 2) continue;
      if (!supplies.contains(axis)) supplies[axis] = supply_of(plan, axis, cluster);
      const LinkDemand demand = demand_of(plan, supplies[axis], axis, sizes);
      const auto known = std::ranges::find(demands, axis, &LinkDemand::axis);
      if (known == demands.end()) {
        demands.push_back(demand);
      } else if (known->least < demand.least) {
        *known = demand;
      }
    }
  }
  return demands;
}

std::vector<Finding> judge_links(const Scenario& scenario, const Plan& plan) {
  Diagnostics diagnostics;
  const Cluster cluster = build_cluster(scenario.cluster, gpus_spanned(scenario, scenario.gpus),
                                        scenario.link_faults, diagnostics);
  std::vector<Finding> findings;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    findings.push_back(
        {"cluster_broken", diagnostic.severity, diagnostic.message, "", diagnostic.position});
  }
  if (diagnostics.has_errors()) return findings;
  const Seconds computing = least_computing(scenario, plan);
  for (const LinkDemand& demand : link_demands(plan, cluster)) {
    if (computing < demand.least) findings.push_back(saturated(scenario, demand, computing));
  }
  return findings;
}

}  // namespace orrery
