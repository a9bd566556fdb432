// What a framework's allocator makes of a rank's requests: it rounds them, keeps what was given
// back, and cuts it up for what comes next; so it reserves more of the GPU than is in use, by an
// amount that follows from the sizes and their order and not from a factor.
//
// The plug-ins of allocators/ know sizes and blocks, no tasks and no time. One allocator serves one
// rank; two runs of the same requests end in the same state.
#pragma once

#include "base/quantity.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace orrery {

class Allocator {
 public:
  using Block = std::uint32_t;

  virtual ~Allocator() = default;

  /// Room for so many bytes, at least one.
  virtual Block allocate(Bytes bytes) = 0;
  virtual void release(Block block) = 0;
  /// What it holds of the GPU, in use or not. More than the GPU has is a fact for reports.
  virtual Bytes reserved() const = 0;
};

struct AllocatorModel {
  std::string_view name;         ///< "caching"
  std::string_view description;  ///< one line
  /// For a GPU that leaves it `room`.
  std::unique_ptr<Allocator> (*make)(Bytes room);
};
std::span<const AllocatorModel* const> registered_allocators();

/// The registered allocator of that name, or null.
const AllocatorModel* find_allocator(std::string_view name);

}  // namespace orrery
