#include "memory/ledger.hpp"

#include "base/check.hpp"

namespace orrery {

MemoryLedger::MemoryLedger(const BytesByCategory& resident) : held_(resident) {
  for (const Bytes bytes : held_) {
    CHECK(bytes >= Bytes(0), bytes.value());
    total_ += bytes;
  }
  peak_ = {.bytes = total_, .at = simulation_start, .held = held_};
}

Bytes MemoryLedger::allocate(MemoryCategory category, Bytes bytes, const Origin& origin) {
  CHECK(bytes >= Bytes(0), bytes.value());
  Bytes& held = held_[static_cast<std::size_t>(category)];
  held += bytes;
  total_ += bytes;
  if (total_ > peak_.bytes) {
    peak_ = {.bytes = total_,
             .at = origin.at,
             .held = held_,
             .position = origin.position,
             .lane = origin.lane};
  }
  return held;
}

Bytes MemoryLedger::release(MemoryCategory category, Bytes bytes) {
  Bytes& held = held_[static_cast<std::size_t>(category)];
  CHECK(bytes >= Bytes(0) && bytes <= held, to_string(category), bytes.value(), held.value());
  held -= bytes;
  total_ -= bytes;
  return held;
}

}  // namespace orrery
