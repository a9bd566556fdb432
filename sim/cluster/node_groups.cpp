#include "cluster/node_groups.hpp"

#include "base/limits.hpp"
#include "cluster/fabric_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace orrery {

namespace {

NodeGroup read_node_group(const Settings& table, const ClusterSpec& spec) {
  NodeGroup group;
  group.nodes = table.required_integer("nodes", {1, limits::ranks});
  group.gpu = spec.gpu;
  group.own_gpu = table.has("gpu");
  if (table.is_table("gpu")) {
    group.gpu = read_gpu(*table.table("gpu"));
  } else if (table.has("gpu")) {
    table.error("gpu", "wanted the name of a GPU in topologies/gpus/ or a table");
  }
  group.price_per_gpu_hour =
      table.dollars_per_hour("price").value_or(group.own_gpu ? 0.0 : spec.price_per_gpu_hour);
  for (const std::string_view key : {"source", "price_source", "intra_node", "nic"}) {
    table.accept(key);
  }
  return group;
}

}  // namespace

void read_node_groups(const Settings& settings, ClusterSpec& spec) {
  constexpr std::size_t most = std::numeric_limits<std::uint8_t>::max();
  for (const Settings& table : settings.tables("node_group")) {
    spec.groups.push_back(read_node_group(table, spec));
  }
  if (spec.groups.empty()) return;
  std::int64_t nodes = 0;
  for (const NodeGroup& group : spec.groups) {
    nodes = std::min(nodes + group.nodes, std::int64_t{limits::ranks});
  }
  if (spec.nodes && *spec.nodes != nodes) {
    settings.error("nodes", fmt::format("nodes = {}, but the node groups have {} together; leave "
                                        "nodes out, or give each group its own",
                                        *spec.nodes, nodes));
  }
  if (spec.groups.size() > most) {
    settings.error("node_group",
                   fmt::format("{} node groups; wanted at most {}", spec.groups.size(), most));
    spec.groups.resize(most);
  }
  spec.nodes = nodes;
}

namespace {

/// What a group's nodes have instead of the file's own.
struct GroupRates {
  double inside = 1.0;          ///< of NVLinks, in units of the file's own
  double adapter = 1.0;         ///< of adapters
  BytesPerSecond beside_gpu{};  ///< between a GPU and its adapter
};

/// Payload per second that a group's table states, over that of the file's own table.
double stated_ratio(const Settings& own, const Settings& group) {
  group.accept("source");
  const BytesPerSecond base = read_payload_rate(own, "bandwidth");
  const double usual = own.number("payload_efficiency").value_or(1.0);
  const double efficiency = group.number("payload_efficiency").value_or(usual);
  if (!(efficiency > 0.0 && efficiency <= 1.0)) {
    group.error("payload_efficiency",
                fmt::format("{} = {} must be above 0 and at most 1",
                            group.full_name("payload_efficiency"), efficiency));
    return 1.0;
  }
  const BytesPerSecond rate = group.has("bandwidth") ? read_rate(group, "bandwidth") * efficiency
                                                     : base / usual * efficiency;
  return rate / base;
}

GroupRates rates_of(const ClusterBuilder& builder, const Gpu& gpu, const Settings& root,
                    const Settings& table) {
  GroupRates rates;
  const auto over = [&](std::string_view key) -> double {
    const std::optional<Settings> group = table.table(key);
    if (!group) return 1.0;
    const std::optional<Settings> own = root.table(key);
    if (own) return stated_ratio(*own, *group);
    group->accept_all();
    table.error(key, fmt::format("the cluster has no [{}] that this could differ from", key));
    return 1.0;
  };
  rates.inside = over("intra_node");
  rates.adapter = over("nic");
  rates.beside_gpu = builder.nics().pcie;
  const std::optional<Settings> nic = root.table("nic");
  if (nic && !nic->has("pcie_bandwidth")) {
    rates.beside_gpu =
        std::max(builder.nics().capacity * rates.adapter, gpu.pcie_bandwidth * pcie_payload);
  }
  return rates;
}

/// The factor on a link's capacity at a node of the group.
double factor_of(const ClusterBuilder& builder, const Link& link, const GroupRates& rates) {
  const auto is = [&](VertexId vertex, VertexKind kind) { return builder.kind(vertex) == kind; };
  const bool beside = (is(link.source, VertexKind::gpu) && is(link.target, VertexKind::nic)) ||
                      (is(link.source, VertexKind::nic) && is(link.target, VertexKind::gpu));
  if (beside) return rates.beside_gpu / link.capacity;
  if (link.kind == LinkKind::nvlink) return rates.inside;
  return link.kind == LinkKind::nic ? rates.adapter : 1.0;
}

std::vector<std::uint8_t> group_of_node(const ClusterBuilder& builder, const ClusterSpec& spec) {
  std::vector<std::uint8_t> groups;
  for (std::size_t g = 0; g < spec.groups.size(); ++g) {
    const auto nodes = static_cast<std::size_t>(spec.groups[g].nodes);
    groups.insert(groups.end(), nodes, static_cast<std::uint8_t>(g));
  }
  groups.resize(builder.shape().nodes, groups.back());  // cut short where findings were made
  return groups;
}

void scale_links(ClusterBuilder& builder, const std::vector<std::uint8_t>& groups,
                 const std::vector<GroupRates>& rates) {
  for (std::size_t i = 0; i < builder.links().size(); ++i) {
    const Link link = builder.links()[id_at<LinkId>(i)];
    std::optional<std::uint32_t> node = builder.node_holding(link.source);
    if (!node) node = builder.node_holding(link.target);
    if (!node) continue;
    const double factor = factor_of(builder, link, rates[groups[*node]]);
    if (factor != 1.0) builder.scale_capacity(id_at<LinkId>(i), factor);
  }
}

/// Whether a domain holds nodes of two groups; a rack is bought as one.
void check_domains(const ClusterBuilder& builder, const ClusterSpec& spec, const Settings& root) {
  const std::uint32_t domain = builder.shape().gpus_per_domain / builder.shape().gpus_per_node;
  std::int64_t nodes = 0;
  std::size_t number = 0;
  const std::vector<Settings> tables = root.tables("node_group");
  for (const NodeGroup& group : spec.groups) {
    nodes += group.nodes;
    if (nodes % domain != 0 && number + 1 < tables.size()) {
      tables[number].error(
          "nodes", fmt::format("the group ends with node {}, inside an NVLink domain of {} nodes; "
                               "wanted whole domains",
                               nodes - 1, domain));
    }
    ++number;
  }
}

}  // namespace

void apply_node_groups(ClusterBuilder& builder, const ClusterSpec& spec, const Settings& root) {
  if (spec.groups.empty()) return;
  const std::vector<Settings> tables = root.tables("node_group");
  std::vector<GroupRates> rates;
  std::vector<Gpu> types;
  std::vector<std::uint8_t> type_of_group;
  for (std::size_t g = 0; g < spec.groups.size(); ++g) {
    const Settings& table = tables[g];
    for (const std::string_view key : {"nodes", "price", "price_source", "source"}) {
      table.accept(key);
    }
    table.accept("gpu");
    if (table.is_table("gpu")) table.table("gpu")->accept_all();
    const bool own = spec.groups[g].own_gpu;
    if (own) types.push_back(spec.groups[g].gpu);
    type_of_group.push_back(static_cast<std::uint8_t>(own ? types.size() : 0));
    rates.push_back(rates_of(builder, spec.groups[g].gpu, root, table));
    const bool over_nvlink = builder.gpus_meet_over_nvlink();
    if (table.has("intra_node") && !over_nvlink) {
      table.error("intra_node", "GPUs of this cluster do not meet over NVLink, whose rate this is");
    }
  }
  check_domains(builder, spec, root);
  std::vector<std::uint8_t> of_node = group_of_node(builder, spec);
  scale_links(builder, of_node, rates);
  for (std::uint8_t& entry : of_node) entry = type_of_group[entry];
  builder.set_gpu_types(std::move(types), std::move(of_node));
}

}  // namespace orrery
