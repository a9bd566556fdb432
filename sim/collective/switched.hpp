// What crosses the links of a domain whose switches add up and multiply (NVLink SHARP).
#pragma once

#include "collective/collective.hpp"
#include "collective/layout.hpp"

namespace orrery {

/// What goes up to the switch and down from it for each member, per byte of size.
struct Switched {
  double up = 0.0;
  double down = 0.0;
};

/// For `members` of a domain: a member reads its part of the sum from the switch, for which all
/// send theirs, and writes it to the switch, which hands it to all.
Switched switched_volumes(CollectiveKind kind, std::size_t members);

/// One bundle, of all domains.
BundleShape switched_bundle(CollectiveKind kind, const GroupLayout& layout, const Cluster& cluster);

}  // namespace orrery
