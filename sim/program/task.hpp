// What a rank does, one step at a time.
//
// A task is a place in an in-order lane (a CUDA stream): what it does (its Kind, shared by all
// tasks that do the same), for which micro-batch and layer, and which tasks of other lanes it waits
// for. Tasks are 16 bytes, immutable and shared by every rank of every class that runs the script.
//
// A Kind is either a computation, with the time it takes when it has its GPU to itself; or joining
// a collective of one of the rank's groups; or a change of the memory held. Sends and receives are
// the two members' joining of a group of two: one mechanism for every exchange.
#pragma once

#include "base/ids.hpp"
#include "base/quantity.hpp"
#include "base/time.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace orrery {

/// Where a step's time goes, as results name it.
enum class Component : std::uint8_t { compute, tp, cp, ep, pp, dp, optimizer, other };
inline constexpr std::size_t component_count = 8;
std::string_view to_string(Component component);

/// What memory is held for, as results name it.
enum class MemoryCategory : std::uint8_t {
  parameters,
  gradients,
  optimizer,
  activations,
  kv_cache,
  workspace,
  communication,
  overhead,
};
inline constexpr std::size_t memory_category_count = 8;
std::string_view to_string(MemoryCategory category);

using BytesByCategory = std::array<Bytes, memory_category_count>;

/// A kernel. Alone on its GPU it takes `duration`; of that, the share `sm` would be enough for its
/// arithmetic and the share `memory` for its bytes through HBM (the larger is what binds; the rest
/// is launch). When communication kernels hold a share of the SMs or of the bandwidth it is
/// stretched by max(1, sm / SMs left, memory / bandwidth left).
struct Compute {
  Duration duration{0};
  float sm = 0.0F;
  float memory = 0.0F;

  bool operator==(const Compute&) const = default;
};

/// Joining the next operation of the group in `slot` of the rank's groups; `plan` indexes the plans
/// of that group. It begins when every member has joined and ends for all of them at once.
struct Communicate {
  std::uint16_t slot = 0;
  std::uint16_t plan = 0;

  bool operator==(const Communicate&) const = default;
};

/// Takes no time.
struct Allocate {
  MemoryCategory category = MemoryCategory::activations;
  Bytes bytes{};

  bool operator==(const Allocate&) const = default;
};

/// Takes no time; gives back what an Allocate of the same category took.
struct Release {
  MemoryCategory category = MemoryCategory::activations;
  Bytes bytes{};

  bool operator==(const Release&) const = default;
};

using Action = std::variant<Compute, Communicate, Allocate, Release>;

/// What all tasks of one kind share. `flops` are the model's floating-point operations of one
/// execution on one rank (zero for copies and recomputation alike is wrong: recomputation counts in
/// `recomputed`).
struct Kind {
  std::string name{};  ///< "attention_core.forward"
  Component component = Component::compute;
  Action action{};
  double flops = 0.0;
  bool recomputed = false;  ///< the flops repeat what a forward pass did already

  bool operator==(const Kind&) const = default;
};

/// Marks tasks that belong to no micro-batch or no layer.
inline constexpr std::uint16_t none_16 = 0xFFFF;

struct Task {
  KindId kind{};
  std::uint32_t first_wait = 0;  ///< into Script::waits
  std::uint16_t wait_count = 0;
  std::uint16_t micro_batch = none_16;
  std::uint16_t layer = none_16;
  std::uint16_t chunk = 0;  ///< virtual pipeline stage on this rank

  bool operator==(const Task&) const = default;
};
static_assert(sizeof(Task) == 16);

/// "Not before task number `position` of lane `lane` (both of the same rank) has ended."
struct Wait {
  std::uint32_t position = 0;
  std::uint16_t lane = 0;
  std::uint16_t unused = 0;

  bool operator==(const Wait&) const = default;
};

}  // namespace orrery
