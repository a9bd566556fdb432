// Rings in two dimensions: members, in their order, as rows of a grid; all rows reduce and scatter,
// all columns sum up what their members hold of it, all rows gather (Mikami et al., arXiv
// 1811.05233, 2-D torus all-reduce). 2(r-1) + 2(c-1) steps instead of 2(rc-1), and in a torus
// neighbours along both of its dimensions. The length of rows is the one that loads links least,
// among equals the one with the fewest steps.
#include "collective/collective.hpp"
#include "collective/paths.hpp"

#include <optional>

namespace orrery::collective_algorithms {

namespace {

using Lines = std::vector<std::vector<VertexId>>;

bool applicable(CollectiveKind kind, std::span<const VertexId> members, const Cluster&) {
  const std::size_t n = members.size();
  bool divides = false;
  for (std::size_t d = 2; d * d <= n; ++d) divides = divides || n % d == 0;
  return divides && (kind == CollectiveKind::all_reduce || kind == CollectiveKind::all_gather ||
                     kind == CollectiveKind::reduce_scatter);
}

Lines rows_of(std::span<const VertexId> members, std::size_t length) {
  Lines rows;
  for (std::size_t i = 0; i < members.size(); i += length) {
    const auto row = members.subspan(i, length);
    rows.emplace_back(row.begin(), row.end());
  }
  return rows;
}

Lines columns_of(const Lines& rows) {
  Lines columns(rows.front().size());
  for (const std::vector<VertexId>& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) columns[i].push_back(row[i]);
  }
  return columns;
}

/// What rings over all the lines cross when every member sends one transfer.
struct Rings {
  BundleShape bundle;
  double seconds_per_byte = 0.0;  ///< that a member sends

  std::uint32_t steps() const { return bundle.intra_hops + bundle.inter_hops; }
};

Rings rings_of(const Lines& lines, const Cluster& cluster) {
  PathSum sum(cluster);
  bool inside = true;
  std::size_t members = 0;
  for (const std::vector<VertexId>& line : lines) {
    add_cycle(sum, line, cluster, std::uint64_t{1} << 32, Direction::forward);
    members += line.size();
    for (const VertexId one : line) {
      inside = inside && cluster.domain_of(one) == cluster.domain_of(line.front());
    }
  }
  const auto steps = static_cast<std::uint32_t>(lines.front().size() - 1);
  const Duration latency = sum.latency() * steps;
  Rings rings{{sum.take(), 0.0, static_cast<std::uint32_t>(members), inside ? steps : 0,
               inside ? 0 : steps, latency}};
  rings.seconds_per_byte = 1.0 / bottleneck(rings.bundle.crossings, cluster);
  return rings;
}

struct Grid {
  Rings rows;
  Rings columns;
  double in_rows = 0.0;     ///< volume of gathering or scattering over them
  double in_columns = 0.0;  ///< of what a row has left

  double seconds() const {
    return in_rows * rows.seconds_per_byte + in_columns * columns.seconds_per_byte;
  }
  bool better_than(const Grid& other) const {
    constexpr double as_good = 1e-9;
    if (seconds() < other.seconds() * (1.0 - as_good)) return true;
    if (seconds() > other.seconds() * (1.0 + as_good)) return false;
    return rows.steps() + columns.steps() < other.rows.steps() + other.columns.steps();
  }
};

Grid grid_of(std::span<const VertexId> members, std::size_t length, const Cluster& cluster) {
  const Lines rows = rows_of(members, length);
  const auto r = static_cast<double>(length);
  const auto c = static_cast<double>(rows.size());
  return {rings_of(rows, cluster), rings_of(columns_of(rows), cluster), (r - 1.0) / r,
          (c - 1.0) / c / r};
}

Grid best_grid(std::span<const VertexId> members, const Cluster& cluster) {
  std::optional<Grid> best;
  for (std::size_t length = 2; length * 2 <= members.size(); ++length) {
    if (members.size() % length != 0) continue;
    Grid grid = grid_of(members, length, cluster);
    if (!best || grid.better_than(*best)) best = std::move(grid);
  }
  return std::move(best).value();
}

/// The rings once or, of the columns of an all-reduce, twice around; as one pipeline or step by
/// step.
PhaseShape phase(BundleShape rings, double volume, std::uint32_t times, Steps steps) {
  const std::uint32_t all = rings.intra_hops + rings.inter_hops;
  if (steps == Steps::explicit_steps) {
    rings.volume = volume / all;
    rings.wire_latency = rings.wire_latency / all;
    rings.intra_hops = rings.intra_hops > 0 ? 1 : 0;
    rings.inter_hops = 1 - rings.intra_hops;
    return {{std::move(rings)}, all * times};
  }
  rings.volume = volume * times;
  rings.wire_latency = rings.wire_latency * times;
  rings.intra_hops *= times;
  rings.inter_hops *= times;
  return {{std::move(rings)}, 1};
}

Shape shape(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
            const ShapeOptions& options) {
  if (members.size() < 2) return {};
  const Grid grid = best_grid(members, cluster);
  const bool both = kind == CollectiveKind::all_reduce;
  const PhaseShape rows = phase(grid.rows.bundle, grid.in_rows, 1, options.steps);
  Shape result;
  result.sent_per_member = bytes_sent_per_member(kind, members.size());
  if (kind != CollectiveKind::all_gather) result.phases.push_back(rows);
  result.phases.push_back(phase(grid.columns.bundle, grid.in_columns, both ? 2 : 1, options.steps));
  if (kind != CollectiveKind::reduce_scatter) result.phases.push_back(rows);
  return result;
}

}  // namespace

extern const CollectiveAlgorithm grid;
const CollectiveAlgorithm grid{
    .name = "grid",
    .description = "rings along the rows and columns of a grid of members",
    .applicable = applicable,
    .shape = shape};

}  // namespace orrery::collective_algorithms
