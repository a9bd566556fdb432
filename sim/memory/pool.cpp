#include "memory/pool.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace orrery {
namespace {

constexpr std::size_t index(MemoryCategory category) { return static_cast<std::size_t>(category); }

}  // namespace

bool MemoryPool::is_outside(MemoryCategory category) {
  return category == MemoryCategory::communication || category == MemoryCategory::overhead;
}

MemoryPool::MemoryPool(const AllocatorModel& model, const BytesByCategory& resident, Bytes capacity)
    : outside_(resident[index(MemoryCategory::communication)] +
               resident[index(MemoryCategory::overhead)]) {
  allocator_ = model.make(capacity - outside_);
  for (std::size_t i = 0; i < resident.size(); ++i) {
    const auto category = static_cast<MemoryCategory>(i);
    if (!is_outside(category) && resident[i] > Bytes(0)) hold(category, resident[i], {});
  }
  note_peak();
}

void MemoryPool::allocate(MemoryCategory category, Bytes bytes, const Task& task) {
  if (bytes == Bytes(0)) return;
  if (is_outside(category)) {
    outside_ += bytes;
  } else {
    hold(category, bytes, task);
  }
  note_peak();
}

void MemoryPool::hold(MemoryCategory category, Bytes bytes, const Task& task) {
  held_[index(category)].push_back({.block = allocator_->allocate(bytes),
                                    .left = bytes,
                                    .micro_batch = task.micro_batch,
                                    .layer = task.layer,
                                    .chunk = task.chunk});
}

void MemoryPool::release(MemoryCategory category, Bytes bytes, const Task& task) {
  if (is_outside(category)) {
    outside_ -= bytes;
    return;
  }
  std::vector<Held>& blocks = held_[index(category)];
  for (std::size_t i = blocks.size(); i-- > 0 && bytes > Bytes(0);) {
    if (blocks[i].is_of(task)) bytes -= take_from(blocks, i, bytes);
  }
  while (bytes > Bytes(0) && !blocks.empty()) {
    bytes -= take_from(blocks, blocks.size() - 1, bytes);
  }
  CHECK(bytes == Bytes(0), to_string(category), bytes.value(), task.micro_batch, task.layer);
}

Bytes MemoryPool::take_from(std::vector<Held>& blocks, std::size_t which, Bytes bytes) {
  const Bytes part = std::min(bytes, blocks[which].left);
  blocks[which].left -= part;
  if (blocks[which].left == Bytes(0)) {
    allocator_->release(blocks[which].block);
    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(which));
  }
  return part;
}

void MemoryPool::note_peak() { peak_ = std::max(peak_, outside_ + allocator_->reserved()); }

}  // namespace orrery
