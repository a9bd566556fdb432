#include "cluster/spec.hpp"

#include "base/limits.hpp"
#include "cluster/builder.hpp"
#include "cluster/fabric_settings.hpp"
#include "cluster/node_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

/// Whether the fabric between nodes is one that shows each of them.
bool is_drawn(const Settings& settings) {
  const SettingsNode* scale_out = settings.node().find("scale_out");
  const SettingsNode* named = scale_out == nullptr ? nullptr : scale_out->find("fabric");
  const auto* name = named == nullptr ? nullptr : std::get_if<std::string>(&named->value);
  return name != nullptr && std::ranges::any_of(registered_fabrics(), [&](const Fabric* fabric) {
           return fabric->drawn && fabric->name == *name;
         });
}

}  // namespace

ClusterSpec read_cluster(const Settings& settings, Gpu gpu) {
  ClusterSpec spec;
  spec.name = settings.required_text("name");
  spec.source = settings.text("source").value_or("");
  settings.accept("gpu");
  settings.accept("notes");
  settings.accept("unseen");
  spec.gpu = std::move(gpu);
  spec.gpus_per_node = settings.required_integer("gpus_per_node", {1, 65'536});
  spec.nodes = settings.integer("nodes", {1, limits::ranks});
  spec.drawn = is_drawn(settings);
  spec.price_per_gpu_hour = settings.dollars_per_hour("price").value_or(spec.gpu.price_per_hour);
  settings.accept("price_source");
  read_node_groups(settings, spec);
  spec.host = read_host(settings);
  // Fabrics read the rest when the graph grows, from a copy that keeps its own account of what was
  // read.
  spec.fabric = settings.node();
  for (const std::string_view key :
       {"cpu_sockets", "intra_node", "nic", "scale_out", "vertex", "link", "node_group"}) {
    settings.accept(key);
  }
  for (const std::string_view key : {"intra_node", "nic", "scale_out"}) {
    if (settings.is_table(key)) settings.table(key)->accept_all();
  }
  for (const std::string_view key : {"vertex", "link", "node_group"}) {
    for (const Settings& table : settings.tables(key)) table.accept_all();
  }
  return spec;
}

const Gpu& ClusterSpec::gpu_at(std::int64_t number) const {
  std::int64_t node = number / gpus_per_node;
  for (const NodeGroup& group : groups) {
    if (node < group.nodes) return group.gpu;
    node -= group.nodes;
  }
  return groups.empty() ? gpu : groups.back().gpu;
}

std::vector<GpuShare> ClusterSpec::first_gpus(std::int64_t count) const {
  const auto price = [](double own, const Gpu& type) {
    return own > 0.0 ? own : type.price_per_hour;
  };
  if (groups.empty()) return {{&gpu, count, price(price_per_gpu_hour, gpu)}};
  std::vector<GpuShare> shares;
  for (const NodeGroup& group : groups) {
    const std::int64_t here = std::min(count, group.nodes * gpus_per_node);
    if (here == 0) break;
    shares.push_back({&group.gpu, here, price(group.price_per_gpu_hour, group.gpu)});
    count -= here;
  }
  if (!shares.empty()) shares.back().count += count;  // more than there are: such as are last
  return shares;
}

FlopsPerSecond ClusterSpec::peak_of(std::int64_t count, NumberType type) const {
  FlopsPerSecond sum(0.0);
  for (const GpuShare& share : first_gpus(count)) {
    sum += share.gpu->peak_rate(type) * static_cast<double>(share.count);
  }
  return sum;
}

namespace {

NicPlan read_nics(const ClusterSpec& spec, const Settings& root) {
  const std::optional<Settings> table = root.table("nic");
  if (!table) return {};
  table->accept("source");
  NicPlan plan;
  const std::int64_t adapters = table->required_integer("per_node", {0, 4096});
  plan.per_node = static_cast<std::uint32_t>(std::min(adapters, spec.gpus_per_node));
  plan.latency = read_latency(*table, "latency");
  const BytesPerSecond one = read_payload_rate(*table, "bandwidth");
  if (plan.per_node == 0) return plan;
  plan.capacity = one * (static_cast<double>(adapters) / plan.per_node);
  // The PCIe of the GPU's data sheet may be slower than an adapter that has a port of its own to
  // it.
  const BytesPerSecond sheet = spec.gpu.pcie_bandwidth * pcie_payload;
  plan.pcie = table->has("pcie_bandwidth")
                  ? read_payload_rate(*table, "pcie_bandwidth", "pcie_efficiency")
                  : std::max(plan.capacity, sheet);
  return plan;
}

/// The fabric that a table names, or null with a diagnostic.
const Fabric* read_fabric(const Settings& root, std::string_view key, std::string_view fallback) {
  const bool scale_up = key == "intra_node";
  std::vector<std::string> names;
  for (const Fabric* fabric : registered_fabrics()) {
    if (fabric->scale_up == scale_up) names.emplace_back(fabric->name);
  }
  std::optional<std::string> name;
  if (const std::optional<Settings> table = root.table(key)) {
    table->accept("source");
    if (!table->has("fabric")) table->error("fabric", fmt::format("{}.fabric is missing", key));
    name = table->choice("fabric", names);
    if (!name || std::ranges::find(names, *name) == names.end()) table->accept_all();
  } else {
    name = fallback;
  }
  for (const Fabric* fabric : registered_fabrics()) {
    if (fabric->scale_up == scale_up && name && fabric->name == *name) return fabric;
  }
  return nullptr;
}

ClusterShape read_shape(const ClusterSpec& spec, std::int64_t gpus, Diagnostics& diagnostics) {
  const std::int64_t needed =
      (std::max<std::int64_t>(1, gpus) + spec.gpus_per_node - 1) / spec.gpus_per_node;
  const std::int64_t nodes = spec.nodes.value_or(needed);
  if (nodes < needed) {
    diagnostics.error(
        spec.fabric.position,
        fmt::format("cluster '{}' has {} GPUs ({} nodes of {}); {} are wanted", spec.name,
                    nodes * spec.gpus_per_node, nodes, spec.gpus_per_node, gpus));
  }
  const std::int64_t most = limits::ranks / spec.gpus_per_node;
  if (nodes > most) {
    diagnostics.error(spec.fabric.position,
                      fmt::format("cluster '{}' would have {} GPUs; at most {} can be simulated",
                                  spec.name, nodes * spec.gpus_per_node, limits::ranks));
  }
  ClusterShape shape;
  shape.nodes = static_cast<std::uint32_t>(std::min(nodes, most));
  shape.gpus_per_node = static_cast<std::uint32_t>(spec.gpus_per_node);
  shape.gpus_per_domain = shape.gpus_per_node;
  return shape;
}

void apply_faults(ClusterBuilder& builder, const std::vector<LinkFault>& faults,
                  Diagnostics& diagnostics) {
  for (const LinkFault& fault : faults) {
    const std::optional<LinkId> link = builder.find_link(fault.link);
    if (!link) {
      diagnostics.error(fault.position,
                        fmt::format("the cluster has no link '{}'{}", fault.link,
                                    did_you_mean(fault.link, builder.similar_links(fault.link))));
    } else if (!(fault.capacity_factor >= 0.0) || !std::isfinite(fault.capacity_factor)) {
      diagnostics.error(fault.position,
                        fmt::format("capacity_factor = {} of link '{}' must be 0 or more",
                                    fault.capacity_factor, fault.link));
    } else if (fault.capacity_factor == 0.0 && builder.leads_to_host(*link)) {
      diagnostics.error(fault.position,
                        fmt::format("what is offloaded cannot avoid the link '{}'; wanted one that "
                                    "is degraded, or nothing offloaded",
                                    fault.link));
    } else {
      builder.scale_capacity(*link, fault.capacity_factor);
    }
  }
}

}  // namespace

Cluster build_cluster(const ClusterSpec& spec, std::int64_t gpus,
                      const std::vector<LinkFault>& faults, Diagnostics& diagnostics) {
  const Settings root(spec.fabric, diagnostics);
  root.accept("cpu_sockets");
  if (root.is_table("host")) root.table("host")->accept_all();
  const ClusterShape shape = read_shape(spec, gpus, diagnostics);
  const Fabric* inside = read_fabric(root, "intra_node", "none");
  const Fabric* between = read_fabric(root, "scale_out", "flat");
  ClusterBuilder builder(spec.name, spec.gpu, shape, read_nics(spec, root));
  if (inside != nullptr) inside->grow(builder, root);
  if (between != nullptr && root.has("scale_out")) between->grow(builder, root);
  apply_node_groups(builder, spec, root);
  if (spec.host && spec.shows_hosts) builder.add_hosts(*spec.host);
  apply_faults(builder, faults, diagnostics);
  report_unread(spec.fabric, diagnostics);
  if (diagnostics.has_errors()) return builder.freeze();
  if (const std::optional<std::string> objection = builder.cut_off()) {
    diagnostics.error(spec.fabric.position, fmt::format("cluster '{}': {}", spec.name, *objection));
  }
  return builder.freeze();
}

}  // namespace orrery
