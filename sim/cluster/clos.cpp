#include "cluster/clos.hpp"

#include "cluster/fabric_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace orrery {

namespace {

VertexId nth(VertexId first, std::uint32_t n) { return id_at<VertexId>(index_of(first) + n); }

std::uint32_t ceil_share(std::uint32_t total, std::uint32_t part) {
  return (total + part - 1) / part;
}

struct Clos {
  LeafPlan plan = LeafPlan::by_rail;
  std::uint32_t nodes_per_leaf = 1;
  std::uint32_t nodes_per_pod = 0;     ///< 0: two tiers
  std::uint32_t leaves_per_group = 1;  ///< of the nodes that share their leaves: 1, or one per rail
  std::uint32_t groups = 1;
  std::uint32_t pods = 1;
  std::uint32_t spines = 1;  ///< vertices that a leaf leads to
  std::uint32_t cores = 1;   ///< vertices that a pod's spine leads to
  BytesPerSecond above_leaf;
  BytesPerSecond above_pod;
  Duration hop{0};

  std::uint32_t groups_per_pod() const {
    return pods > 1 ? nodes_per_pod / nodes_per_leaf : groups;
  }
  std::uint32_t leaf_of(std::uint32_t node, std::uint32_t rail) const {
    return node / nodes_per_leaf * leaves_per_group + (plan == LeafPlan::by_rail ? rail : 0);
  }
};

void read_tiers(Clos& clos, const ClusterBuilder& builder, const Settings& table) {
  const auto positive = IntegerRange{1, 1 << 20};
  const std::uint32_t nodes = builder.shape().nodes;
  clos.nodes_per_leaf =
      static_cast<std::uint32_t>(table.required_integer("nodes_per_leaf", positive));
  clos.nodes_per_pod =
      static_cast<std::uint32_t>(table.integer("nodes_per_pod", positive).value_or(0));
  if (clos.nodes_per_pod % clos.nodes_per_leaf != 0) {
    table.error("nodes_per_pod", fmt::format("{} = {} must be a multiple of nodes_per_leaf = {}",
                                             table.full_name("nodes_per_pod"), clos.nodes_per_pod,
                                             clos.nodes_per_leaf));
    clos.nodes_per_pod = 0;
  }
  clos.leaves_per_group =
      clos.plan == LeafPlan::by_rail ? std::max(1U, builder.nics().per_node) : 1;
  clos.groups = ceil_share(nodes, clos.nodes_per_leaf);
  clos.pods = clos.nodes_per_pod == 0 ? 1 : ceil_share(nodes, clos.nodes_per_pod);
}

void read_capacities(Clos& clos, const ClusterBuilder& builder, const Settings& table) {
  const double oversubscription = read_factor(table, "oversubscription", 1.0, 1e-3);
  const double pod_oversubscription = read_factor(table, "pod_oversubscription", 1.0, 1e-3);
  const double per_node = clos.plan == LeafPlan::by_rail ? 1.0 : builder.nics().per_node;
  clos.above_leaf = builder.nics().capacity * (clos.nodes_per_leaf * per_node / oversubscription);
  const double leaves = clos.groups_per_pod() * clos.leaves_per_group;
  clos.above_pod = clos.above_leaf * (leaves / pod_oversubscription);
}

/// How many links of an adapter's rate make up `rate`.
std::uint32_t links_in(BytesPerSecond rate, BytesPerSecond link) {
  return static_cast<std::uint32_t>(std::clamp(std::round(rate / link), 1.0, 65'536.0));
}

void read_routing(Clos& clos, ClusterBuilder& builder, const Settings& table) {
  static const std::array<std::string, 2> ways{"spread", "hash"};
  const bool hash = table.choice("routing", ways).value_or("spread") == "hash";
  const auto seed = table.integer("routing_seed", {0, INT64_MAX}).value_or(0);
  const auto spines = table.integer("spines", {1, 65'536});
  builder.rules().seed = static_cast<std::uint64_t>(seed);
  if (!hash) return;
  builder.rules().outer = OuterRouting::layered;
  const BytesPerSecond link = builder.nics().capacity;
  clos.spines = spines ? static_cast<std::uint32_t>(*spines) : links_in(clos.above_leaf, link);
  clos.cores = links_in(clos.above_pod / static_cast<double>(clos.spines), link);
}

TwoWay trunk(BytesPerSecond rate, Duration hop, LinkKind kind) {
  return {{rate, hop, kind}, {rate, hop, kind}};
}

VertexId add_leaves(ClusterBuilder& builder, const Clos& clos) {
  const std::uint32_t rails = clos.leaves_per_group;
  const std::uint32_t groups = clos.groups_per_pod();
  if (clos.plan == LeafPlan::by_node && clos.pods == 1) {
    return builder.add_vertices(VertexKind::network_switch, "leaf[#]", {groups});
  }
  if (clos.plan == LeafPlan::by_node) {
    return builder.add_vertices(VertexKind::network_switch, "pod[#].leaf[#]", {clos.pods, groups});
  }
  if (clos.pods == 1) {
    return builder.add_vertices(VertexKind::network_switch, "pod[#].leaf[#]", {groups, rails});
  }
  return builder.add_vertices(VertexKind::network_switch, "pod[#].unit[#].leaf[#]",
                              {clos.pods, groups, rails});
}

void join_nics(ClusterBuilder& builder, const Clos& clos, VertexId first_leaf) {
  const BytesPerSecond rate = builder.nics().capacity;
  const TwoWay links{{rate, Duration{0}, LinkKind::nic}, {rate, clos.hop, LinkKind::nic}};
  for (std::uint32_t node = 0; node < builder.shape().nodes; ++node) {
    for (std::uint32_t rail = 0; rail < builder.nics().per_node; ++rail) {
      builder.uplink(builder.nic(node, rail), nth(first_leaf, clos.leaf_of(node, rail)), links);
    }
  }
}

VertexId join_spines(ClusterBuilder& builder, const Clos& clos, VertexId first_leaf) {
  const std::uint32_t leaves_per_pod = clos.groups_per_pod() * clos.leaves_per_group;
  const bool one = clos.spines == 1;
  const std::string name =
      std::string(clos.pods > 1 ? "pod[#]." : "") + (one ? "spine" : "spine[#]");
  std::vector<std::uint32_t> extents;
  if (clos.pods > 1) extents.push_back(clos.pods);
  if (!one) extents.push_back(clos.spines);
  const VertexId first = builder.add_vertices(VertexKind::network_switch, name, extents);
  const TwoWay links = trunk(clos.above_leaf / clos.spines, clos.hop, LinkKind::leaf_spine);
  for (std::uint32_t leaf = 0; leaf < clos.pods * leaves_per_pod; ++leaf) {
    for (std::uint32_t s = 0; s < clos.spines; ++s) {
      builder.uplink(nth(first_leaf, leaf), nth(first, leaf / leaves_per_pod * clos.spines + s),
                     links);
    }
  }
  return first;
}

void join_cores(ClusterBuilder& builder, const Clos& clos, VertexId first_spine) {
  const bool one = clos.spines * clos.cores == 1;
  const std::vector<std::uint32_t> extents =
      one ? std::vector<std::uint32_t>{} : std::vector<std::uint32_t>{clos.spines, clos.cores};
  const VertexId first =
      builder.add_vertices(VertexKind::network_switch, one ? "core" : "core[#].switch[#]", extents);
  const TwoWay links =
      trunk(clos.above_pod / (1.0 * clos.spines * clos.cores), clos.hop, LinkKind::spine_core);
  for (std::uint32_t spine = 0; spine < clos.pods * clos.spines; ++spine) {
    for (std::uint32_t c = 0; c < clos.cores; ++c) {
      builder.uplink(nth(first_spine, spine), nth(first, spine % clos.spines * clos.cores + c),
                     links);
    }
  }
}

}  // namespace

void grow_clos(ClusterBuilder& builder, const Settings& table, LeafPlan plan) {
  Clos clos;
  clos.plan = plan;
  read_tiers(clos, builder, table);
  read_capacities(clos, builder, table);
  clos.hop = read_latency(table, "hop_latency");
  read_routing(clos, builder, table);
  read_network_reduction(builder, table);
  if (builder.nics().per_node == 0) return;

  const VertexId first_leaf = add_leaves(builder, clos);
  join_nics(builder, clos, first_leaf);
  if (clos.groups * clos.leaves_per_group == 1) return;
  const VertexId first_spine = join_spines(builder, clos, first_leaf);
  if (clos.pods > 1) join_cores(builder, clos, first_spine);
}

}  // namespace orrery
