#include "validation/collective_rows.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <optional>

namespace orrery {

namespace {

std::optional<CollectiveKind> kind_of(std::string_view op) {
  for (const CollectiveKind kind : collective_kinds) {
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

/// What a row of a dispatcher asks for.
struct TokenRow {
  CollectiveKind kind = CollectiveKind::dispatch;
  std::int64_t tokens = 0;
  double row_bytes = 0.0;
  TokenExchange exchange;

  double copies() const { return row_bytes * static_cast<double>(tokens * exchange.spread.top_k); }
};

/// A value for each of its numbers in 8 bits, and a scale of four bytes for 128 of them (DeepEP,
/// fp8 dispatch); else 16 bits.
double row_bytes(double hidden, bool narrow) {
  return narrow ? hidden * (1.0 + 4.0 / 128.0) : 2.0 * hidden;
}

std::optional<TokenRow> read_tokens(const MeasuredRow& row, const std::string& library) {
  const std::string_view op = row.cell("collective.op");
  TokenRow out;
  out.kind = op.ends_with("combine") ? CollectiveKind::combine : CollectiveKind::dispatch;
  const bool narrow = out.kind == CollectiveKind::dispatch && row.cell("collective.type") != "bf16";
  const std::int64_t hidden = whole(row.cell("collective.hidden"), 0);
  out.tokens = whole(row.cell("collective.tokens_per_rank"), 0);
  out.row_bytes = row_bytes(static_cast<double>(hidden), narrow);
  out.exchange.algorithm = library;
  out.exchange.part = TokenExchange::Part::transmission;
  out.exchange.sms = whole(row.cell("collective.sms"), 0);
  out.exchange.spread.top_k = whole(row.cell("collective.top_k"), 0);
  out.exchange.spread.experts = whole(row.cell("collective.experts"), 0);
  const TokenSpread& spread = out.exchange.spread;
  const bool stated = out.tokens > 0 && hidden > 0 && spread.top_k > 0;
  if (!stated || spread.experts < spread.top_k) return std::nullopt;
  return out;
}

/// Rows that the row's source counts of a token for each of its picks.
double counted_rows(const MeasuredRow& row, const TokenSpread& spread, std::size_t members,
                    std::int64_t nodes) {
  const std::string_view counts = row.cell("bandwidth_kind");
  const bool normal = row.cell("collective.op").find("_ll_") == std::string_view::npos;
  const bool far = normal && counts.find("RDMA") != std::string_view::npos;
  const bool near = normal && counts.find("NVLink") != std::string_view::npos;
  const auto picks = static_cast<double>(spread.top_k);
  if (far) return spread.members_met(static_cast<std::size_t>(nodes)) / picks;
  return near ? spread.members_met(members) / picks : 1.0;
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

Prediction CollectiveRows::predict_tokens(const MeasuredRow& row, const MachineWord& machine,
                                          const std::string& library) {
  const std::int64_t gpus = whole(row.cell("collective.gpus"), 0);
  const std::int64_t nodes = whole(row.cell("collective.nodes"), 1);
  const std::optional<TokenRow> asked = read_tokens(row, library);
  if (gpus < 2 || nodes < 1 || gpus % nodes != 0 || !asked) {
    return objection("a dispatch needs GPUs, nodes that divide them, tokens, hidden and experts");
  }
  const Cluster& machines = cluster(machine.cluster, nodes, row);
  const LoneCollective what{.kind = asked->kind,
                            .size = Bytes(std::llround(asked->copies())),
                            .members = members_of(machines, gpus, nodes),
                            .tuning = {},
                            .tokens = asked->exchange};
  const double seconds = time_alone(what, machines).value();
  const double counted =
      counted_rows(row, asked->exchange.spread, what.members.size(), nodes) * asked->copies();
  return {.metrics = {{"time_s", seconds}, {"busbw_bytes_per_s", counted / seconds}},
          .components = {},
          .objection = {}};
}

Prediction CollectiveRows::predict(const MeasuredRow& row) {
  const std::string op(row.cell("collective.op"));
  const bool of_tokens = op.ends_with("_dispatch") || op.ends_with("_combine");
  const std::optional<CollectiveKind> kind = kind_of(op);
  if (!kind && !of_tokens) {
    return objection(fmt::format("the operation '{}' is not one of NCCL's", op));
  }
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
    if (is_expert_exchange(library->collectives)) {
      if (of_tokens) return predict_tokens(row, *machine, library->collectives);
      return objection(fmt::format("{} does no '{}'", library->collectives, op));
    }
    if (!kind) return objection(fmt::format("the operation '{}' is not one of NCCL's", op));
    return predict(*kind, row, *machine, library->collectives);
  } catch (const InvalidScenario& invalid) {
    return objection(invalid.diagnostics().front().message);
  }
}

}  // namespace orrery
