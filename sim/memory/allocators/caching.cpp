// PyTorch's caching allocator with its defaults (pytorch/pytorch, CUDACachingAllocator.cpp and the
// notes on CUDA memory management). Requests are rounded up to 512 bytes. Those up to 1 MiB are cut
// from segments of 2 MiB, those below 10 MiB from segments of 20 MiB, larger ones get a segment of
// their own, rounded up to 2 MiB. A request takes the smallest free block of its pool that holds it
// (of equals the lowest) and gives back the rest, when that is worth it: any rest of a small block,
// more than 1 MiB of a large one. Free neighbours of a segment merge. Nothing returns to the GPU
// until a new segment does not fit; then every segment that is wholly free does.
#include "base/check.hpp"
#include "memory/allocator.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace orrery::allocators {

namespace {

constexpr Bytes mebibyte{1 << 20};
constexpr Bytes smallest_block = Bytes(512);
constexpr Bytes largest_small = mebibyte;
constexpr Bytes small_segment = mebibyte * 2;
constexpr Bytes large_segment = mebibyte * 20;
constexpr Bytes own_segment = mebibyte * 10;  ///< from here on a request has a segment to itself
constexpr Bytes own_rounding = mebibyte * 2;

Bytes rounded_up(Bytes bytes, Bytes unit) {
  return Bytes((bytes.value() + unit.value() - 1) / unit.value() * unit.value());
}

Bytes segment_for(Bytes size) {
  if (size <= largest_small) return small_segment;
  return size < own_segment ? large_segment : rounded_up(size, own_rounding);
}

enum class Pool : std::uint8_t { small, large };

class Caching final : public Allocator {
 public:
  explicit Caching(Bytes room) : room_(room) {}

  Block allocate(Bytes bytes) override {
    const Bytes size = rounded_up(std::max(bytes, smallest_block), smallest_block);
    const Pool pool = size <= largest_small ? Pool::small : Pool::large;
    const Block block = free_block(pool, size);
    pieces_[block].free = false;
    cut(block, size);
    return block;
  }

  void release(Block block) override {
    CHECK(block < pieces_.size() && !pieces_[block].free, block);
    if (const Block next = pieces_[block].next; next != none && pieces_[next].free) {
      free_of(next).erase(key_of(next));
      absorb(block, next);
    }
    if (const Block before = pieces_[block].before; before != none && pieces_[before].free) {
      free_of(before).erase(key_of(before));
      absorb(before, block);
      block = before;
    }
    pieces_[block].free = true;
    free_of(block).insert(key_of(block));
  }

  Bytes reserved() const override { return reserved_; }

 private:
  static constexpr Block none = UINT32_MAX;

  /// A piece of a segment; its neighbours lie in the same one.
  struct Piece {
    Bytes size;
    std::int64_t address = 0;
    Block before = none;
    Block next = none;
    Pool pool = Pool::small;
    bool free = false;
  };
  /// By size, then by address.
  using Key = std::pair<std::pair<Bytes, std::int64_t>, Block>;
  using FreeBlocks = std::set<Key>;

  Key key_of(Block b) const { return {{pieces_[b].size, pieces_[b].address}, b}; }
  FreeBlocks& free_of(Block b) { return free_[static_cast<std::size_t>(pieces_[b].pool)]; }

  Block free_block(Pool pool, Bytes size) {
    FreeBlocks& blocks = free_[static_cast<std::size_t>(pool)];
    const auto best = blocks.lower_bound(Key{{size, 0}, 0});
    if (best == blocks.end()) return fresh_segment(pool, segment_for(size));
    const Block block = best->second;
    blocks.erase(best);
    return block;
  }

  Block fresh_segment(Pool pool, Bytes size) {
    if (reserved_ + size > room_) give_back_free_segments();
    reserved_ += size;
    const Block block = fresh_piece();
    pieces_[block] = {.size = size, .address = end_, .pool = pool};
    end_ += size.value();
    return block;
  }

  void give_back_free_segments() {
    for (FreeBlocks& blocks : free_) {
      std::erase_if(blocks, [this](const Key& key) {
        const Piece& piece = pieces_[key.second];
        const bool whole = piece.before == none && piece.next == none;
        if (whole) {
          reserved_ -= piece.size;
          unused_.push_back(key.second);
        }
        return whole;
      });
    }
  }

  Block fresh_piece() {
    if (unused_.empty()) {
      pieces_.emplace_back();
      return static_cast<Block>(pieces_.size() - 1);
    }
    const Block block = unused_.back();
    unused_.pop_back();
    return block;
  }

  /// Keeps `size` of the block and frees the rest, if that is worth a block of its own.
  void cut(Block block, Bytes size) {
    const Bytes rest = pieces_[block].size - size;
    const bool worth =
        pieces_[block].pool == Pool::small ? rest >= smallest_block : rest > largest_small;
    if (!worth) return;
    const Block other = fresh_piece();
    Piece& kept = pieces_[block];
    pieces_[other] = {.size = rest,
                      .address = kept.address + size.value(),
                      .before = block,
                      .next = kept.next,
                      .pool = kept.pool,
                      .free = true};
    if (kept.next != none) pieces_[kept.next].before = other;
    kept.next = other;
    kept.size = size;
    free_of(other).insert(key_of(other));
  }

  /// `next` becomes part of `block`, which lies before it.
  void absorb(Block block, Block next) {
    pieces_[block].size += pieces_[next].size;
    pieces_[block].next = pieces_[next].next;
    if (pieces_[block].next != none) pieces_[pieces_[block].next].before = block;
    unused_.push_back(next);
  }

  Bytes room_;
  Bytes reserved_;
  std::int64_t end_ = 0;  ///< addresses only tell equals apart
  std::vector<Piece> pieces_;
  std::vector<Block> unused_;  ///< of pieces_
  std::array<FreeBlocks, 2> free_;
};

}  // namespace

extern const AllocatorModel caching;
const AllocatorModel caching{
    .name = "caching",
    .description = "PyTorch's: rounds, keeps and cuts up blocks, returns them under pressure only",
    .make = [](Bytes room) -> std::unique_ptr<Allocator> {
      return std::make_unique<Caching>(room);
    }};

}  // namespace orrery::allocators
