// Every byte that is asked for and no other: what formulas of memory suppose.
#include "base/check.hpp"
#include "memory/allocator.hpp"

#include <vector>

namespace orrery::allocators {

namespace {

class Exact final : public Allocator {
 public:
  Block allocate(Bytes bytes) override {
    reserved_ += bytes;
    if (unused_.empty()) {
      sizes_.push_back(bytes);
      return static_cast<Block>(sizes_.size() - 1);
    }
    const Block block = unused_.back();
    unused_.pop_back();
    sizes_[block] = bytes;
    return block;
  }

  void release(Block block) override {
    reserved_ -= sizes_.at(block);
    CHECK(reserved_ >= Bytes(0), block);
    unused_.push_back(block);
  }

  Bytes reserved() const override { return reserved_; }

 private:
  Bytes reserved_;
  std::vector<Bytes> sizes_;
  std::vector<Block> unused_;
};

}  // namespace

extern const AllocatorModel exact;
const AllocatorModel exact{
    .name = "exact",
    .description = "every byte that is asked for and no other",
    .make = [](Bytes) -> std::unique_ptr<Allocator> { return std::make_unique<Exact>(); }};

}  // namespace orrery::allocators
