#include "collective/nccl_tables.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::nccl {

std::string_view to_string(Protocol protocol) {
  constexpr std::array<std::string_view, protocol_count> names{"ll", "ll128", "simple"};
  return names[static_cast<std::size_t>(protocol)];
}

ByProtocol base_latency(Version version, Algorithm algorithm) {
  const bool old = version.minor < 18;
  switch (algorithm) {
    case Algorithm::tree:
      if (old) return {4.4, 4.4, 0.0};
      return {6.8, 14.0, version.minor < 26 ? 0.0 : 8.4};
    case Algorithm::ring:
      if (old) return {3.6, 10.0, 8.4};
      return {6.6, 14.0, 8.4};
    case Algorithm::nvls:
    case Algorithm::nvls_tree:
    case Algorithm::nvls_sharp:
      return version.minor < 21 ? ByProtocol{23.0, 23.0, 23.0} : ByProtocol{0.0, 0.0, 0.0};
    case Algorithm::collnet_direct:
    case Algorithm::collnet_chain:
      return {};
    case Algorithm::pat:
      return {8.0, 8.0, 8.0};
  }
  return {};
}

bool only_simple(Algorithm algorithm) {
  return algorithm != Algorithm::tree && algorithm != Algorithm::ring;
}

bool needs_network_reduction(Algorithm algorithm) {
  return algorithm == Algorithm::nvls_sharp || algorithm == Algorithm::collnet_direct ||
         algorithm == Algorithm::collnet_chain;
}

double arity_latency(Version version) { return version.minor < 21 ? 0.5 : 0.4; }

double pat_rank_latency() { return 2.8; }

namespace {

/// Per hop, of trees with the Simple protocol inside a node.
double tree_simple_hop(Version version) {
  const bool slow = version.minor < 18 || (version.minor >= 21 && version.minor < 26);
  return slow ? 28.0 : 4.0;
}

double ring_simple_network_hop(Version version) {
  if (version.minor < 12) return 9.6;
  return version.minor < 18 ? 28.0 : 14.0;
}

std::size_t column(std::size_t nodes) { return std::min<std::size_t>(nodes, 3) - 1; }

using ByNodes = std::array<double, 3>;
using ByGeneration = std::array<ByNodes, 4>;

double look_up(const ByGeneration& table, Generation generation, std::size_t nodes) {
  return table[static_cast<std::size_t>(generation)][column(nodes)];
}

}  // namespace

ByProtocol inside_hop(Version version, Algorithm algorithm, Inside inside) {
  const bool nvlink = inside == Inside::nvlink;
  const bool old = version.minor < 18;
  switch (algorithm) {
    case Algorithm::tree:
      if (nvlink) return {old ? 0.52 : 0.6, 1.25, tree_simple_hop(version)};
      return {1.0, 1.9, tree_simple_hop(version)};
    case Algorithm::ring:
      if (nvlink) return {old ? 0.47 : 0.6, 1.9, 3.4};
      return {1.0, 2.5, 5.7};
    case Algorithm::nvls:
    case Algorithm::nvls_tree:
    case Algorithm::nvls_sharp: {
      const double hop = version.minor < 21 ? 0.0 : 25.0;
      return {hop, hop, hop};
    }
    case Algorithm::collnet_direct:
      return {3.7, 3.7, 3.7};
    case Algorithm::collnet_chain:
      return {2.8, 2.8, 2.8};
    case Algorithm::pat:
      return {4.0, 4.0, 4.0};
  }
  return {};
}

ByProtocol network_hop(Version version, Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::tree:
      return {5.0, 8.5, version.minor < 18 ? 28.0 : 14.0};
    case Algorithm::ring:
      return {2.7, 4.0, ring_simple_network_hop(version)};
    case Algorithm::nvls:
    case Algorithm::nvls_sharp:
      return {18.0, 18.0, 18.0};
    case Algorithm::collnet_direct:
      return {31.0, 31.0, 31.0};
    case Algorithm::collnet_chain:
      return {30.0, 30.0, 30.0};
    case Algorithm::pat:  // its levels follow one another so closely
      return {14.0 / 3.5, 14.0 / 3.5, 14.0 / 3.5};
    case Algorithm::nvls_tree: {
      const double hop = version.minor < 26 ? 14.0 : 20.9;
      return {hop, hop, hop};
    }
  }
  return {};
}

ByProtocol network_overhead() { return {1.0, 1.0, 3.0}; }

std::span<const double> channel_speeds(Generation generation) {
  static constexpr std::array early{40.0, 30.0, 20.0, 18.0, 15.0, 12.0, 10.0,
                                    9.0,  7.0,  6.0,  5.0,  4.0,  3.0};
  static constexpr std::array hopper{60.0, 50.0, 40.0, 30.0, 24.0, 20.0,
                                     15.0, 12.0, 11.0, 6.0,  3.0};
  static constexpr std::array blackwell{90.0, 80.0, 70.0, 60.0, 50.0, 45.0,
                                        40.0, 30.0, 24.0, 20.0, 19.0, 18.0};
  switch (generation) {
    case Generation::volta:
    case Generation::ampere:
      return early;
    case Generation::hopper:
      return hopper;
    case Generation::blackwell:
      return blackwell;
  }
  return early;
}

double ll_ceiling(Generation generation, std::size_t nodes) {
  // Beyond one node the table goes by the processor, not by the GPU: this is Intel's row.
  constexpr ByGeneration table{
      {{39.0, 39.0, 20.4}, {87.7, 39.0, 20.4}, {141.0, 39.0, 20.4}, {282.0, 39.0, 20.4}}};
  return look_up(table, generation, nodes);
}

double ring_ll128_ceiling(Version version, Generation generation, std::size_t nodes) {
  constexpr ByGeneration table{
      {{20.0, 20.0, 20.0}, {20.0, 20.0, 20.0}, {36.7, 36.7, 36.7}, {40.0, 40.0, 40.0}}};
  if (generation == Generation::blackwell && version.minor == 28) {
    return ByNodes{73.4, 34.6, 73.4}[column(nodes)];
  }
  if (generation == Generation::blackwell && version.minor == 29) {
    return ByNodes{34.5, 34.6, 34.5}[column(nodes)];
  }
  return look_up(table, generation, nodes);
}

double tree_ll128_ceiling(Generation generation, std::size_t nodes) {
  constexpr ByGeneration table{
      {{20.0, 20.0, 20.0}, {20.0, 20.0, 20.0}, {36.7, 36.7, 29.0}, {55.6, 31.67, 20.0}}};
  return look_up(table, generation, nodes);
}

double tree_ceiling(Generation generation, std::size_t nodes) {
  constexpr ByGeneration table{
      {{26.5, 18.5, 10.0}, {24.0, 23.6, 17.8}, {38.7, 41.4, 36.0}, {70.0, 42.8, 24.0}}};
  return look_up(table, generation, nodes);
}

double nvls_tree_ceiling(Version version, Generation generation, std::size_t nodes) {
  constexpr ByGeneration table{
      {{26.5, 18.5, 10.0}, {24.0, 23.6, 17.8}, {0.0, 57.7, 45.5}, {0.0, 96.0, 80.0}}};
  const bool low = version.minor == 28 || version.minor == 29;
  if (generation == Generation::blackwell && low && nodes > 2) return 43.8;
  return look_up(table, generation, nodes);
}

double nvls_efficiency(Generation generation) {
  switch (generation) {
    case Generation::hopper:
      return 0.85;
    case Generation::blackwell:
      return 0.74;
    default:
      return 0.0;
  }
}

double tree_correction(Protocol protocol, double bytes) {
  // By powers of two from 64 bytes on.
  using Row = std::array<double, 24>;
  static constexpr std::array<Row, protocol_count> table{
      {{1.0, 1.0, 1.0, 1.0, 0.9, 0.8, 0.7, 0.7, 0.7, 0.7, 0.6, 0.5,
        0.4, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0},
       {1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.8, 0.8, 0.8, 0.7, 0.6, 0.6,
        0.6, 0.6, 0.6, 0.6, 0.8, 0.9, 0.9, 0.9, 0.9, 1.0, 1.0, 1.0},
       {0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.7, 0.6, 0.6, 0.5,
        0.5, 0.5, 0.5, 0.6, 0.7, 0.8, 0.7, 0.7, 0.8, 0.9, 0.9, 0.9}}};
  const double place = std::floor(std::log2(std::max(1.0, bytes / 64.0)));
  if (place >= 24.0) return 1.0;
  return table[static_cast<std::size_t>(protocol)][static_cast<std::size_t>(place)];
}

}  // namespace orrery::nccl
