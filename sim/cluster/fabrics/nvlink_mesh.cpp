// A node whose GPUs are joined pair by pair, without a switch: 8 MI300X with 7 links each.
#include "cluster/fabric_settings.hpp"
#include "cluster/spec.hpp"

#include <fmt/format.h>

namespace orrery::fabrics {

/// `bandwidth`, the sum over a GPU's links, must agree with `pair_bandwidth` if both are given.
static BytesPerSecond read_pair_rate(const Settings& table, std::uint32_t others) {
  const BytesPerSecond all = read_payload_rate(table, "bandwidth");
  if (!table.has("pair_bandwidth")) return all / static_cast<double>(std::max(1U, others));
  const BytesPerSecond pair = read_payload_rate(table, "pair_bandwidth");
  const double share = pair * static_cast<double>(others) / all;
  if (share > 1.01 || share < 0.99) {
    table.error("pair_bandwidth",
                fmt::format("{} other GPUs at pair_bandwidth make {:.3g} of bandwidth;"
                            " they should make all of it",
                            others, share));
  }
  return pair;
}

static void grow(ClusterBuilder& builder, const Settings& root) {
  const Settings table = root.required_table("intra_node");
  const std::uint32_t gpus = builder.shape().gpus_per_node;
  const LinkTraits traits{read_pair_rate(table, gpus - 1), read_latency(table, "latency"),
                          LinkKind::nvlink};
  for (std::uint32_t node = 0; node < builder.shape().nodes; ++node) {
    for (std::uint32_t a = 0; a < gpus; ++a) {
      for (std::uint32_t b = a + 1; b < gpus; ++b) {
        builder.join(builder.gpu(node, a), builder.gpu(node, b), traits);
      }
    }
  }
  builder.place_nics_beside_gpus();
}

extern const Fabric nvlink_mesh;
const Fabric nvlink_mesh{.name = "nvlink_mesh",
                         .description = "every pair of a node's GPUs joined by a link of its own",
                         .scale_up = true,
                         .grow = grow};

}  // namespace orrery::fabrics
