// What ranks share inside their GPUs, as resources of the network: two for each class of ranks.
//
//   SMs      capacity (1 - held) x W; a kernel that runs beside others crosses it with weight `sm`
//   memory   capacity W, the bandwidth of the HBM; the same kernel crosses it with weight `memory`,
//            a bundle with as many bytes as it moves through each member's memory (Bundle::memory)
//
// A kernel under sharing is a transfer like any other: at its own pace it moves W bytes per second,
// so that one which wants the whole memory moves the bytes that it has to, and one that wants less
// or computes is measured by the same clock. Max-min then gives what follows from the resources:
// kernels that together want more than there is slow down by one factor, and a bundle that the
// memory cannot serve slows down as on a narrow link. SMs are different: a communication kernel
// sits on its SMs until it is over, whether bytes arrive or not, so its SMs are held and not
// shared, and leave the others a smaller GPU (sm = 1 beside 16 of 132 takes 132/116 as long).
//
// A kernel that has its GPU to itself is none of this folder's business: its end is known when it
// begins. It enters when a collective or a second kernel comes beside it, and stays until its end.
#pragma once

#include "base/id_vector.hpp"
#include "base/time.hpp"
#include "engine/cursor.hpp"
#include "network/network.hpp"
#include "program/program.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace orrery {

/// However much communication claims, this share of the SMs is left to other kernels: several
/// collectives at once may claim more than there are, and a kernel must still end.
inline constexpr double least_share_left = 1.0 / 32.0;

/// Whether collectives and kernels that run at once on a GPU slow one another.
enum class Interference { on, off };

class SharedGpus {
 public:
  /// Adds its resources to the network, or none when nothing is to be shared; both must outlive it.
  SharedGpus(const Program& program, Network& network, Interference interference);

  /// Whether there is anything to share at all.
  bool any() const { return !gpus_.empty(); }
  /// The memory that a transfer of the group's operations passes through, at all of its members.
  std::span<const Crossing> memory_of(GroupId group) const;

  /// Whether an operation of the group may slow kernels of its members, or they it.
  bool is_felt(GroupId group, const TransferPlan& plan) const {
    return any() && (plan.sm > 0.0F || !memory_of(group).empty());
  }
  /// One begins or is over on a rank of the class.
  void hold(std::uint32_t rank_class, const TransferPlan& plan);
  void give_back(std::uint32_t rank_class, const TransferPlan& plan);
  /// Whether any is going on there.
  bool felt(std::uint32_t rank_class) const { return any() && gpus_[rank_class].operations > 0; }

  /// The kernel of a lane, of which `left` remains when it is alone, goes on in the network, which
  /// hands back owner_of(lane) at its end.
  void enter(LaneRef lane, GpuShares shares, Duration left, Instant now);
  /// Such a kernel has ended.
  void leave() { --inside_; }
  std::size_t inside() const { return inside_; }
  std::uint64_t entered() const { return entered_; }

  /// Owners from `first_owner` on are lanes, those before it groups.
  bool owns(std::uint32_t owner) const { return owner >= first_owner_; }
  LaneRef lane_of(std::uint32_t owner) const { return lanes_[owner - first_owner_]; }

  /// Adds what operations and kernels put on each resource.
  void add_expected(GroupId group, double bytes, IdVector<ResourceId, double>& expected) const;
  std::span<const double> bytes_of_kernels() const { return bytes_of_kernels_; }

 private:
  /// Of a class; its memory is the resource after its SMs.
  struct Gpu {
    ResourceId sms{};
    BytesPerSecond bandwidth{};
    std::int64_t held = 0;  ///< SMs, in units of 2^-32
    std::uint32_t operations = 0;
    std::uint32_t first_lane = 0;
  };

  void add_gpus();
  void add_ends();
  void set_held(Gpu& gpu, std::int64_t held);

  const Program& program_;
  Network& network_;
  std::uint32_t first_owner_;
  std::vector<Gpu> gpus_;                         ///< by class
  std::vector<LaneRef> lanes_;                    ///< of all classes
  std::vector<std::array<Crossing, 2>> kernels_;  ///< by lane: what its kernel crosses
  std::vector<Crossing> ends_;                    ///< of all groups
  std::vector<std::size_t> first_end_;            ///< by group, and one more
  std::vector<double> bytes_of_kernels_;          ///< by class: on its SMs and through its memory
  std::size_t inside_ = 0;
  std::uint64_t entered_ = 0;
};

}  // namespace orrery
