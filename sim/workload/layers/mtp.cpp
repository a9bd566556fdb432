// The beginning of a multi-token-prediction layer (DeepSeek-V3, arXiv 2412.19437, section 2.2): the
// stream and the embedding of the next token are normed, put side by side and projected back to the
// hidden width. A transformer layer and the shared head with a final norm of its own follow
// (layers.cpp puts them together). The projection is whole on every tensor rank.

#include "workload/op_parts.hpp"

namespace orrery::layers {

namespace {

std::vector<Op> ops(const LayerInput& input) {
  const auto h = static_cast<double>(input.model.hidden);
  OpList list(input);
  Op lookup = memory_bound({"mtp_embedding", "mtp", Region::tensor}, 2.0 * h,
                           (1.0 + 2.0 * wide(input)) * h);
  lookup.leaves = true;
  lookup.saved_bytes = 8.0;
  list.add(std::move(lookup));
  // What is kept here is the looked-up rows; the normed ones live on in the joined vector alone.
  list.add(norm(input, "mtp_embedding_norm"));
  list.add(norm(input, "mtp_stream_norm")).saved.clear();
  Op& joined = list.add(memory_bound({"mtp_join", "mtp", Region::sequence}, 4.0 * h, 4.0 * h));
  joined.saved = {{2.0 * h}};
  Op& projection = list.add(product({"mtp_projection", "mtp", Region::sequence}, {h}, {2.0 * h}));
  projection.saved = {{h}};
  return list.take();
}

}  // namespace

extern const Layer mtp;
const Layer mtp{
    .name = "mtp",
    .description = "multi-token prediction: joins the stream with the next token's embedding",
    .ops = ops,
};

}  // namespace orrery::layers
