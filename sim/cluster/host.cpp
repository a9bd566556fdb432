#include "cluster/host.hpp"

#include "base/check.hpp"
#include "cluster/fabric_settings.hpp"
#include "cluster/parts.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace orrery {

std::optional<HostSpec> read_host(const Settings& cluster) {
  static const std::array<std::string, 2> links = {"pcie", "c2c"};
  const std::optional<Settings> table = cluster.table("host");
  if (!table) return std::nullopt;
  table->accept("source");
  HostSpec host;
  host.memory = table->required_bytes("memory");
  host.memory_bandwidth = read_payload_rate(*table, "memory_bandwidth", "memory_efficiency");
  if (!table->has("link")) table->required_text("link");
  host.over_pcie = table->choice("link", links).value_or("pcie") == "pcie";
  host.port = read_payload_rate(*table, "bandwidth");
  host.latency = read_latency(*table, "latency");
  host.gpus_per_port =
      static_cast<std::uint32_t>(table->required_integer("gpus_per_port", {1, 65'536}));
  return host;
}

namespace {

VertexId append_vertices(ClusterParts& parts, VertexKind kind, std::string pattern,
                         std::vector<std::uint32_t> extents) {
  std::uint32_t count = 1;
  for (const std::uint32_t extent : extents) count *= extent;
  const auto first = static_cast<std::uint32_t>(parts.kinds.size());
  parts.ranges.push_back({first, count, kind, std::move(pattern), std::move(extents)});
  parts.kinds.resize(first + count, kind);
  parts.local_up.resize(first + count, no_link);
  parts.outer_up.resize(first + count, no_link);
  parts.level.resize(first + count, no_level);
  return id_at<VertexId>(first);
}

VertexId nth(VertexId first, std::uint32_t n) { return id_at<VertexId>(index_of(first) + n); }
LinkId nth(LinkId first, std::uint32_t n) { return id_at<LinkId>(index_of(first) + n); }

/// The links from a GPU up to the socket that it hangs on; none where it does not.
std::vector<LinkId> way_to_socket(const ClusterParts& parts, VertexId gpu) {
  std::vector<LinkId> way;
  VertexId at = gpu;
  while (parts.kinds[at] != VertexKind::cpu) {
    const LinkId up = parts.local_up[at];
    if (up == no_link) return {};
    way.push_back(up);
    at = parts.links[up].target;
  }
  return way;
}

/// The link from `source` to `target`, if there is one.
LinkId link_between(const ClusterParts& parts, VertexId source, VertexId target) {
  for (const LinkId link : parts.out_links(source)) {
    if (parts.links[link].target == target) return link;
  }
  return no_link;
}

/// The GPU's PCIe as far as it is one with that to the adapter beside it.
LinkId shared_port(const ClusterParts& parts, VertexId gpu, HostWay way) {
  if (!parts.host.over_pcie || parts.shape.nics_per_node == 0) return no_link;
  const VertexId nic = parts.nic(parts.node_of(gpu), parts.rail_of(gpu));
  return way == HostWay::to_host ? link_between(parts, gpu, nic) : link_between(parts, nic, gpu);
}

/// Over the tree that the GPU hangs in; false where there is none.
bool climb(const ClusterParts& parts, VertexId gpu, HostWay way, Route& route) {
  const std::vector<LinkId> up = way_to_socket(parts, gpu);
  for (const LinkId link : up) {
    // Down the same way: the link after the one up (parts.hpp).
    const LinkId here = way == HostWay::to_host ? link : nth(link, 1);
    route.crossings.push_back({here, std::uint64_t{1} << 32});
    route.latency += parts.links[here].latency;
  }
  return !up.empty();
}

void cross_port(const ClusterParts& parts, VertexId gpu, HostWay way, Route& route) {
  const HostPlaces& host = parts.host;
  const std::uint32_t node = parts.node_of(gpu);
  const std::uint32_t place =
      static_cast<std::uint32_t>(gpu) % parts.shape.gpus_per_node / host.gpus_per_port;
  const std::uint32_t port = node * host.ports_per_node + place;
  const LinkId own = shared_port(parts, gpu, way);
  if (own != no_link) route.crossings.push_back({own, std::uint64_t{1} << 32});
  const LinkId link = nth(host.first_port, 2 * port + (way == HostWay::to_host ? 0 : 1));
  route.crossings.push_back({link, std::uint64_t{1} << 32});
  route.latency += parts.links[link].latency;
}

}  // namespace

void append_hosts(const HostSpec& spec, ClusterParts& parts) {
  const std::uint32_t nodes = parts.shape.nodes;
  const std::uint32_t ports =
      (parts.shape.gpus_per_node + spec.gpus_per_port - 1) / spec.gpus_per_port;
  const LinkKind kind = spec.over_pcie ? LinkKind::pcie : LinkKind::c2c;
  const VertexId port =
      append_vertices(parts, VertexKind::pcie_switch, "node[#].root_port[#]", {nodes, ports});
  const VertexId host = append_vertices(parts, VertexKind::cpu, "node[#].host", {nodes});
  const VertexId memory = append_vertices(parts, VertexKind::cpu, "node[#].memory", {nodes});
  parts.host = {.ports_per_node = ports,
                .gpus_per_port = spec.gpus_per_port,
                .first_port = id_at<LinkId>(parts.links.size()),
                .first_memory = {},
                .over_pcie = spec.over_pcie};
  for (std::uint32_t i = 0; i < nodes * ports; ++i) {
    const VertexId its_host = nth(host, i / ports);
    parts.links.push_back({nth(port, i), its_host, spec.port, spec.latency, kind});
    parts.links.push_back({its_host, nth(port, i), spec.port, spec.latency, kind});
  }
  parts.host.first_memory = id_at<LinkId>(parts.links.size());
  for (std::uint32_t n = 0; n < nodes; ++n) {
    parts.links.push_back(
        {nth(host, n), nth(memory, n), spec.memory_bandwidth, Duration{0}, LinkKind::host_memory});
  }
}

Route find_host_way(const ClusterParts& parts, VertexId gpu, HostWay way) {
  CHECK(parts.host.ports_per_node > 0, index_of(gpu));
  Route route;
  const bool moves = way != HostWay::in_host;
  if (moves && !climb(parts, gpu, way, route)) cross_port(parts, gpu, way, route);
  route.crossings.push_back(
      {nth(parts.host.first_memory, parts.node_of(gpu)), std::uint64_t{1} << 32});
  return route;
}

}  // namespace orrery
