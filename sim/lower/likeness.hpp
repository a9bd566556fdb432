// Which ranks, links and groups are alike: the labelled graph that fold/ refines, and the classes
// it gives.
//
// Nodes are ranks, groups and the links they cross. A rank is joined to its groups (labelled by the
// kind of group and its role in it), a group to the links of its patterns (labelled by pattern and
// weight). Initial colours: a rank's script and slowdown; a group's kind and plans; a link's
// capacity and kind. An asymmetry is nothing but another initial colour. With folding off every
// node is a class of its own.
#pragma once

#include "cluster/cluster.hpp"
#include "lower/groups.hpp"
#include "lower/lower.hpp"
#include "parallel/plan.hpp"

#include <cstdint>
#include <vector>

namespace orrery {

struct Likeness {
  std::vector<std::uint32_t> rank_class;   ///< by rank; numbered by first member, as are the others
  std::vector<std::uint32_t> group_class;  ///< by group of the set
  std::vector<std::uint32_t> link_class;   ///< by position in `links`
  std::vector<LinkId> links;               ///< that anybody crosses, ascending
  std::uint32_t rank_classes = 0;
  std::uint32_t group_classes = 0;
  std::uint32_t link_classes = 0;
};

/// `scripts`: by rank, which script it runs; ranks of several types of GPU run several.
Likeness find_alike(const std::vector<std::uint32_t>& scripts, const Cluster& cluster,
                    const GroupSet& groups, const LowerOptions& options);

}  // namespace orrery
