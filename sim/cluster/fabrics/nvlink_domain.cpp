// An NVLink domain over several nodes, such as the 72 GPUs of a GB200 NVL72 rack.
#include "cluster/fabric_settings.hpp"
#include "cluster/spec.hpp"
#include "cluster/switched_domain.hpp"

#include <fmt/format.h>

namespace orrery::fabrics {

/// GPUs of a domain that a job takes: of a job that one domain holds all of them; of a larger one
/// so many nodes as a segment has, where the file states it, so that groups of powers of two stay
/// whole (Slurm's topology/block with --segment).
static std::uint32_t taken_of(std::int64_t domain, const Settings& table,
                              const ClusterShape& shape) {
  const std::int64_t per_node = shape.gpus_per_node;
  const auto segment = table.integer("segment_nodes", {1, 1 << 20});
  const bool fits = shape.nodes * per_node <= domain;
  if (!segment || fits) return static_cast<std::uint32_t>(domain);
  if (*segment * per_node > domain) {
    table.error("segment_nodes", fmt::format("{} = {} nodes of {} GPUs are more than {} = {}",
                                             table.full_name("segment_nodes"), *segment, per_node,
                                             table.full_name("domain_gpus"), domain));
    return static_cast<std::uint32_t>(domain);
  }
  return static_cast<std::uint32_t>(*segment * per_node);
}

static void grow(ClusterBuilder& builder, const Settings& root) {
  const Settings table = root.required_table("intra_node");
  const std::uint32_t per_node = builder.shape().gpus_per_node;
  const std::int64_t gpus = table.required_integer("domain_gpus", {1, 1 << 20});
  const bool whole_nodes = gpus % per_node == 0;
  if (!whole_nodes) {
    table.error("domain_gpus", fmt::format("{} = {} must be a multiple of gpus_per_node = {}",
                                           table.full_name("domain_gpus"), gpus, per_node));
  }
  const std::uint32_t taken = taken_of(gpus, table, builder.shape());
  grow_switched_domains(builder, table, whole_nodes ? taken : per_node);
}

extern const Fabric nvlink_domain;
const Fabric nvlink_domain{.name = "nvlink_domain",
                           .description = "all GPUs of several nodes through NVLink switches",
                           .scale_up = true,
                           .grow = grow};

}  // namespace orrery::fabrics
