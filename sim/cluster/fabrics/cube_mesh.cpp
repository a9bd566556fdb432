// DGX-1: some pairs of GPUs have one NVLink, some two, some none; those without talk over PCIe.
#include "cluster/fabric_settings.hpp"
#include "cluster/pcie_tree.hpp"
#include "cluster/spec.hpp"

#include <fmt/format.h>

#include <charconv>

namespace orrery::fabrics {

namespace {

struct Pair {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t links = 1;
};

/// A number at the front of `text`, which it takes off.
std::optional<std::uint32_t> take_number(std::string_view& text) {
  std::uint32_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

/// "0-3 x2" or "0-1".
std::optional<Pair> parse_pair(std::string_view text, std::uint32_t gpus) {
  const auto a = take_number(text);
  if (!a || !take(text, "-")) return std::nullopt;
  const auto b = take_number(text);
  std::optional<std::uint32_t> links = 1;
  if (take(text, " x")) links = take_number(text);
  if (!b || !links || !text.empty() || *a >= gpus || *b >= gpus || *a == *b || *links == 0) {
    return std::nullopt;
  }
  return Pair{*a, *b, *links};
}

std::vector<Pair> read_pairs(const Settings& table, std::uint32_t gpus) {
  std::vector<Pair> pairs;
  for (const std::string& text : table.texts("pairs").value_or(std::vector<std::string>{})) {
    const std::optional<Pair> pair = parse_pair(text, gpus);
    if (pair) {
      pairs.push_back(*pair);
    } else {
      table.error("pairs", fmt::format("'{}' names no two of {} GPUs; wanted \"0-1\" or \"0-3 x2\"",
                                       text, gpus));
    }
  }
  return pairs;
}

void grow(ClusterBuilder& builder, const Settings& root) {
  const Settings table = root.required_table("intra_node");
  table.accept("bandwidth");
  const BytesPerSecond link = read_payload_rate(table, "link_bandwidth");
  const Duration latency = read_latency(table, "latency");
  for (const Pair& pair : read_pairs(table, builder.shape().gpus_per_node)) {
    const LinkTraits traits{link * static_cast<double>(pair.links), latency, LinkKind::nvlink};
    for (std::uint32_t node = 0; node < builder.shape().nodes; ++node) {
      builder.join(builder.gpu(node, pair.a), builder.gpu(node, pair.b), traits);
    }
  }
  PcieTree tree;
  tree.rate = read_payload_rate(table, "pcie_bandwidth", "pcie_efficiency");
  tree.sockets = read_sockets(root);
  tree.socket_rate =
      table.has("socket_bandwidth") ? read_rate(table, "socket_bandwidth") : tree.rate;
  tree.latency = latency;
  tree.gpus_per_switch =
      static_cast<std::uint32_t>(table.integer("gpus_per_switch", {0, 64}).value_or(2));
  grow_pcie_trees(builder, tree);
}

}  // namespace

extern const Fabric cube_mesh;
const Fabric cube_mesh{
    .name = "cube_mesh",
    .description = "named pairs of GPUs joined by links, the others over PCIe (DGX-1)",
    .scale_up = true,
    .grow = grow};

}  // namespace orrery::fabrics
