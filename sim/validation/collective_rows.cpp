#include "validation/collective_rows.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>

namespace orrery {

namespace {

constexpr std::array kinds = {CollectiveKind::all_reduce,     CollectiveKind::all_gather,
                              CollectiveKind::reduce_scatter, CollectiveKind::all_to_all,
                              CollectiveKind::broadcast,      CollectiveKind::send_recv};

std::optional<CollectiveKind> kind_of(std::string_view op) {
  for (const CollectiveKind kind : kinds) {
    if (to_string(kind) == op) return kind;
  }
  return std::nullopt;
}

/// Tables write whole numbers as 8 or as 8.0.
std::int64_t whole(std::string_view cell, std::int64_t otherwise) {
  if (cell.empty()) return otherwise;
  return std::llround(std::strtod(std::string(cell).c_str(), nullptr));
}

Prediction objection(std::string reason) {
  return {.metrics = {}, .components = {}, .objection = std::move(reason)};
}

/// The first GPUs of each node.
std::vector<VertexId> members_of(const Cluster& cluster, std::int64_t gpus, std::int64_t nodes) {
  std::vector<VertexId> members;
  const auto each = static_cast<std::size_t>(gpus / nodes);
  for (std::size_t node = 0; node < static_cast<std::size_t>(nodes); ++node) {
    for (std::size_t i = 0; i < each; ++i) {
      members.push_back(id_at<VertexId>(node * cluster.gpus_per_node() + i));
    }
  }
  return members;
}

}  // namespace

double bus_factor(CollectiveKind kind, std::size_t members) {
  return bytes_sent_per_member(kind, members);
}

const Cluster& CollectiveRows::cluster(const std::string& name, std::int64_t nodes,
                                       const MeasuredRow& row) {
  const auto known = clusters_.find({name, nodes});
  if (known != clusters_.end()) return known->second;
  const ClusterSpec spec = catalogue_.cluster({name, row.position});
  Diagnostics diagnostics;
  Cluster grown = build_cluster(spec, nodes * spec.gpus_per_node, {}, diagnostics);
  diagnostics.throw_if_errors();
  return clusters_.emplace(std::pair{name, nodes}, std::move(grown)).first->second;
}

Prediction CollectiveRows::predict(CollectiveKind kind, const MeasuredRow& row,
                                   const MachineWord& machine, const std::string& library) {
  const std::int64_t gpus = whole(row.cell("collective.gpus"), 0);
  const std::int64_t nodes = whole(row.cell("collective.nodes"), 1);
  const std::int64_t size = whole(row.cell("collective.size_bytes"), 0);
  if (gpus < 2 || nodes < 1 || gpus % nodes != 0 || size < 1) {
    return objection("a collective needs GPUs, nodes that divide them and a size");
  }
  const Cluster& machines = cluster(machine.cluster, nodes, row);
  if (gpus / nodes > static_cast<std::int64_t>(machines.gpus_per_node())) {
    return objection(
        fmt::format("{} has {} GPUs a node", machine.cluster, machines.gpus_per_node()));
  }
  const LoneCollective what{.kind = kind,
                            .size = Bytes(size),
                            .members = members_of(machines, gpus, nodes),
                            .tuning = {.library = library, .algorithm = {}}};
  const double seconds = time_alone(what, machines).value();
  const double bus = bus_factor(kind, what.members.size()) * static_cast<double>(size) / seconds;
  return {.metrics = {{"time_s", seconds}, {"busbw_bytes_per_s", bus}},
          .components = {},
          .objection = {}};
}

Prediction CollectiveRows::predict(const MeasuredRow& row) {
  const std::string op(row.cell("collective.op"));
  const std::optional<CollectiveKind> kind = kind_of(op);
  if (!kind) return objection(fmt::format("the operation '{}' is not one of NCCL's", op));
  const LibraryWord* library = vocabulary_.library(row);
  if (library == nullptr || library->collectives.empty()) {
    return objection(fmt::format("the library '{}' is not simulated", row.cell("library")));
  }
  const MachineWord* machine = vocabulary_.machine(row);
  if (machine == nullptr) {
    return objection(fmt::format("no cluster stands for '{}'", row.cell("collective.gpu")));
  }
  if (machine->cluster.empty()) return objection(machine->note);
  try {
    return predict(*kind, row, *machine, library->collectives);
  } catch (const InvalidScenario& invalid) {
    return objection(invalid.diagnostics().front().message);
  }
}

}  // namespace orrery
