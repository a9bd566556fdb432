// Context parallelism: every rank holds a share of each sequence's tokens. Shares are taken
// zig-zag, a chunk from either end of the sequence, so that with a causal mask every rank has the
// same work (Grattafiori et al. 2024, section 3.3.2). Only attention needs the tokens of other
// ranks; how it comes by them is what context_gather, context_heads and context_ring are for.

#include "parallel/dimension.hpp"

namespace orrery::dimensions {

extern const Dimension context;
const Dimension context{
    .name = "context",
    .description = "each sequence's tokens divided (cp)",
    .degree = [](const Strategy& s) { return s.cp; },
    .divides = divides_nothing,
    .token_share =
        [](Region, const ShardInput& input) {
          return 1.0 / static_cast<double>(input.strategy.cp);
        },
    .exchanges = [](const Op&, double, const ShardInput&) { return Exchanges{}; },
};

}  // namespace orrery::dimensions
