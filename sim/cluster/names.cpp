#include "cluster/names.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <charconv>

namespace orrery {

const VertexRange& range_of(std::span<const VertexRange> ranges, VertexId vertex) {
  const auto index = static_cast<std::uint32_t>(vertex);
  const auto after = std::ranges::upper_bound(ranges, index, {}, &VertexRange::first);
  CHECK(after != ranges.begin(), index);
  return *(after - 1);
}

std::string name_of(std::span<const VertexRange> ranges, VertexId vertex) {
  const VertexRange& range = range_of(ranges, vertex);
  std::uint32_t rest = static_cast<std::uint32_t>(vertex) - range.first;
  std::vector<std::uint32_t> digits(range.extents.size());
  for (std::size_t i = digits.size(); i-- > 0;) {
    digits[i] = rest % range.extents[i];
    rest /= range.extents[i];
  }
  std::string name;
  std::size_t digit = 0;
  for (const char c : range.pattern) {
    if (c == '#' && digit < digits.size()) {
      name += std::to_string(digits[digit++]);
    } else {
      name += c;
    }
  }
  return name;
}

namespace {

/// The place of `name` in a range, or nothing if it does not follow the pattern.
std::optional<std::uint32_t> match(const VertexRange& range, std::string_view name) {
  std::uint32_t index = 0;
  std::size_t digit = 0;
  for (const char c : range.pattern) {
    if (c != '#' || digit == range.extents.size()) {
      if (name.empty() || name.front() != c) return std::nullopt;
      name.remove_prefix(1);
      continue;
    }
    std::uint32_t value = 0;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), value);
    if (failure != std::errc{} || value >= range.extents[digit]) return std::nullopt;
    name.remove_prefix(static_cast<std::size_t>(end - name.data()));
    index = index * range.extents[digit++] + value;
  }
  if (!name.empty()) return std::nullopt;
  return index;
}

}  // namespace

std::optional<VertexId> find_vertex(std::span<const VertexRange> ranges, std::string_view name) {
  for (const VertexRange& range : ranges) {
    const std::optional<std::uint32_t> index = match(range, name);
    if (index) return id_at<VertexId>(range.first + *index);
  }
  return std::nullopt;
}

}  // namespace orrery
