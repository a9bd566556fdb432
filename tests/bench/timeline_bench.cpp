// Spans per second into a timeline file, compressed; regular ones, and ones with noise in every
// time.
#include "base/check.hpp"
#include "base/random.hpp"
#include "program/text.hpp"
#include "timeline/timeline_file.hpp"
#include "timeline/timeline_reader.hpp"
#include "unit/program/example.hpp"

#include <benchmark/benchmark.h>

#include <filesystem>

namespace orrery {
namespace {

constexpr std::uint32_t rows = 2'000'000;

/// Eight classes in step; `noise` is how many values each time can take.
Span span_of(std::uint32_t n, std::uint64_t noise) {
  const std::uint64_t bits = mix_bits(n) % noise;
  return {.begin = Instant{Duration{n / 8 * 135'000'000LL}},
          .duration = Duration{static_cast<std::int64_t>(100'000'007 * (1 + n % 13) + bits)},
          .waited = Duration{n % 3 == 0 ? static_cast<std::int64_t>(bits) : 0},
          .rank_class = id_at<ClassId>(n % 2),
          .lane = static_cast<std::uint16_t>(n % 3),
          .position = 0};
}

void write_spans(benchmark::State& state) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "timeline_bench.h5";
  const Program program = parse_program(two_stages);
  for (auto _ : state) {
    TimelineFile file(path, {.name = "bench"}, program);
    for (std::uint32_t n = 0; n < rows; ++n) {
      file.add(span_of(n, static_cast<std::uint64_t>(state.range(0))));
    }
    file.close("{}");
  }
  CHECK(TimelineReader(path).span_count() == rows);
  state.SetItemsProcessed(state.iterations() * rows);
  state.counters["bytes_per_row"] =
      static_cast<double>(std::filesystem::file_size(path)) / static_cast<double>(rows);
  std::filesystem::remove(path);
}
BENCHMARK(write_spans)->Arg(1)->Arg(1'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace orrery
