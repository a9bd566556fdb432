// How long the layers of a run took: a sink that listens to one micro-batch of one rank.
//
// Where layers follow one another in a single stage, a layer's forward is the time from its begin
// to that of the next one, and its backward from the end of the next one's to its own: kernels,
// exchanges and what is waited for, recomputation in backward. Parts of a layer are those of the
// first layer with a layer after it: its expert layer, from the router's begin to the end of what
// returns to the residual stream; its attention kernels; the kernels that carry tokens, both ways.
#pragma once

#include "program/program.hpp"
#include "timeline/sink.hpp"

#include <map>
#include <string>
#include <vector>

namespace orrery {

class LayerTimes final : public TimelineSink {
 public:
  explicit LayerTimes(const Program& program) : program_(program) {}

  void add(const Span& span) override;
  void add(const MemorySample&) override {}
  void add(const LinkSample&) override {}

  /// By name: "layer_forward_s", "experts_backward_s", …; those that the run has.
  std::map<std::string, double, std::less<>> seconds() const;

 private:
  struct Piece {
    Instant begin{};
    Instant end{};
    Duration moved{0};  ///< without the wait for other members
    KindId kind{};
  };
  struct Layer {
    Instant begin{};
    Instant end{};
    std::vector<Piece> pieces;
  };

  void add_parts(const Layer& layer, const Layer& next,
                 std::map<std::string, double, std::less<>>& out) const;
  std::string operation_of(const Kind& kind) const;

  const Program& program_;
  std::map<std::uint16_t, Layer> layers_;
};

}  // namespace orrery
