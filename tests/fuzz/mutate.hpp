// Damages texts the way files get damaged: bytes and lines are changed, lost, doubled and swapped,
// numbers become extreme. Which damage is done is a function of the seed alone.
#pragma once

#include <cstdint>
#include <string>

namespace orrery::fuzz {

/// One to four mutations of `text`.
std::string mutate(std::string text, std::uint64_t seed);

}  // namespace orrery::fuzz
