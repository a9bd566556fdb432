// A rank's memory as its framework sees it: changes go to an allocator, and what that reserves is
// what the rank takes of its GPU.
//
// Tasks allocate and release bytes of a category, not blocks. An Allocate is one block of its size;
// a Release gives back the newest blocks that the same micro-batch, layer and chunk allocated, then
// the newest of the category, in part if need be: a block goes when the last of its bytes does.
// What is resident was there before and is a block per category. The libraries' and CUDA's own
// memory (communication, overhead) comes from the GPU directly and is no allocator's.
#pragma once

#include "memory/allocator.hpp"
#include "program/task.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace orrery {

class MemoryPool {
 public:
  MemoryPool(const AllocatorModel& model, const BytesByCategory& resident, Bytes capacity);

  void allocate(MemoryCategory category, Bytes bytes, const Task& task);
  void release(MemoryCategory category, Bytes bytes, const Task& task);

  /// The most that was ever taken of the GPU.
  Bytes reserved_peak() const { return peak_; }

 private:
  struct Held {
    Allocator::Block block = 0;
    Bytes left;  ///< of its bytes
    std::uint16_t micro_batch = none_16;
    std::uint16_t layer = none_16;
    std::uint16_t chunk = 0;

    bool is_of(const Task& task) const {
      return micro_batch == task.micro_batch && layer == task.layer && chunk == task.chunk;
    }
  };

  static bool is_outside(MemoryCategory category);
  void hold(MemoryCategory category, Bytes bytes, const Task& task);
  /// Takes up to `bytes` from the block and says how many.
  Bytes take_from(std::vector<Held>& blocks, std::size_t which, Bytes bytes);
  void note_peak();

  std::unique_ptr<Allocator> allocator_;
  Bytes outside_;
  Bytes peak_;
  std::array<std::vector<Held>, memory_category_count> held_;  ///< oldest first
};

}  // namespace orrery
