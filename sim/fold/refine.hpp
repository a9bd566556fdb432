// Colour refinement: the coarsest equitable partition of a labelled graph that refines its initial
// colours.
//
// Two nodes stay together exactly if they have the same initial colour and, for every label and
// every class, equally many neighbours of that class over edges of that label (1-dimensional
// Weisfeiler-Leman; Berkholz, Bonsma, Grohe 2017 for the algorithm). Ranks, links and groups that
// share a class then see the same counts of everything, so a max-min solution and every instant are
// equal within it: simulating one of each is exact. Signatures are compared as they are, not by
// hash.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace orrery {

/// A directed, labelled edge: the colour of `from` depends on that of `to`.
struct RefineEdge {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint64_t label = 0;
};

/// both: the colours of an edge's two ends depend on one another.
enum class Ways : std::uint8_t { one, both };

/// Takes some edges of a graph.
using EdgeSink = std::function<void(std::span<const RefineEdge>)>;
/// Hands all edges of a graph to a sink, a few or many at a time; the same ones in the same order
/// whenever it is called, since there may be too many to keep.
using EdgeSource = std::function<void(const EdgeSink&)>;

/// The class of every node, numbered in the order in which their first nodes appear. Edges in any
/// order.
std::vector<std::uint32_t> refine(std::span<const std::uint64_t> initial_colours,
                                  const EdgeSource& edges, Ways ways);
std::vector<std::uint32_t> refine(std::span<const std::uint64_t> initial_colours,
                                  const std::vector<RefineEdge>& edges, Ways ways = Ways::one);

}  // namespace orrery
