// A recorded routing: a CSV file with the picks of every expert, a layer a row.
//
//   layer,e0,e1,e2,e3            step,layer,e0,e1,e2,e3
//   0,1024,880,1203,989          0,0,1024,880,1203,989
//   1,990,1011,1040,1055         0,1,990,1011,1040,1055
//
// The columns behind `layer` are the experts in their order, whatever they are called. Layers count
// from 0 as the model's do, layers that predict ahead on from its last; every layer with experts
// has a row, and others none. Counts are whole, of whatever total: a layer's are scaled to the
// tokens at hand. As a token's experts are distinct, no expert has more than one in top_k of a
// layer's picks.
#pragma once

#include "base/diagnostics.hpp"
#include "workload/model.hpp"
#include "workload/routing.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace orrery {

/// One step of the trace, the first in the file unless one is asked for; `file` names it in
/// positions. What is wrong becomes findings, and the result is then not to be used.
RoutingTrace parse_routing_trace(std::string_view text, const std::string& file,
                                 std::optional<std::int64_t> step, const Model& model,
                                 Diagnostics& diagnostics);

}  // namespace orrery
