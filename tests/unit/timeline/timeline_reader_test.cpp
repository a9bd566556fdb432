#include "timeline/timeline_reader.hpp"

#include "base/diagnostics.hpp"
#include "unit/timeline/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// What a file keeps of a program.
Program without_transfers(Program program) {
  for (TransferPlan& plan : program.plans) plan.phases.clear();
  for (Group& group : program.groups) group.patterns.clear();
  program.patterns = {};
  return program;
}

TEST(TimelineReader, FindsWhatWasSaidOfTheRun) {
  const auto path = test_folder() / "a.h5";
  TimelineFile(path, example_meta(), example_program()).close("{\"step_time_s\": 0.4}");

  const TimelineReader reader(path);
  EXPECT_EQ(reader.meta(), example_meta());
  EXPECT_EQ(reader.summary_json(), "{\"step_time_s\": 0.4}");
}

TEST(TimelineReader, FindsTheProgram) {
  const auto path = test_folder() / "a.h5";
  TimelineFile(path, example_meta(), example_program()).close("{}");
  EXPECT_EQ(TimelineReader(path).program(), without_transfers(example_program()));
}

TEST(TimelineReader, FindsEveryRowInItsOrder) {
  const auto path = test_folder() / "a.h5";
  constexpr std::uint32_t rows = 200'001;  // three full blocks and a part
  TimelineFile file(path, example_meta(), example_program());
  for (std::uint32_t i = 0; i < rows; ++i) file.add(example_span(i));
  file.close("{}");

  std::uint32_t next = 0;
  TimelineReader(path).for_each_span([&](const Span& span) {
    const Span expected = example_span(next++);
    ASSERT_EQ(span.begin, expected.begin);
    ASSERT_EQ(span.duration, expected.duration);
    ASSERT_EQ(span.waited, expected.waited);
    ASSERT_EQ(span.rank_class, expected.rank_class);
    ASSERT_EQ(span.lane, expected.lane);
  });
  EXPECT_EQ(next, rows);
}

TEST(TimelineReader, FindsMemoryAndLinks) {
  const auto path = test_folder() / "a.h5";
  TimelineFile file(path, example_meta(), example_program());
  file.add(MemorySample{.at = Instant{Duration{5}},
                        .rank_class = id_at<ClassId>(1),
                        .category = MemoryCategory::activations,
                        .bytes = Bytes(77)});
  file.add(LinkSample{.at = Instant{Duration{6}}, .bytes_per_second = 4.5e11});
  file.close("{}");

  const TimelineReader reader(path);
  const std::vector<MemorySample> memory = reader.memory(0, reader.memory_count());
  ASSERT_EQ(memory.size(), 1U);
  EXPECT_EQ(memory[0].category, MemoryCategory::activations);
  EXPECT_EQ(memory[0].bytes, Bytes(77));
  EXPECT_EQ(reader.links(0, reader.link_count()).at(0).bytes_per_second, 4.5e11);
}

TEST(TimelineReader, RefusesAnHdf5FileThatIsNoTimeline) {
  const auto path = test_folder() / "a.h5";
  hdf5::Writer(path, path).close();
  EXPECT_THAT([&] { TimelineReader{path}; },
              ThrowsMessage<InvalidScenario>(HasSubstr("no timeline of ours")));
}

TEST(TimelineReader, RefusesAnotherFormatVersion) {
  const auto path = test_folder() / "a.h5";
  hdf5::Writer file(path, path);
  file.attribute("/", "format", timeline_format);
  file.attribute("/", "format_version", timeline_format_version + 1);
  file.close();
  EXPECT_THAT([&] { TimelineReader{path}; },
              ThrowsMessage<InvalidScenario>(HasSubstr("use a newer program")));
}

TEST(TimelineReader, RefusesSpansOfTasksThatAreNotThere) {
  const auto path = test_folder() / "a.h5";
  TimelineFile file(path, example_meta(), example_program());
  file.add(Span{.position = 99});
  file.close("{}");
  EXPECT_THAT([&] { TimelineReader(path).spans(0, 1); },
              ThrowsMessage<InvalidScenario>(HasSubstr("a task that is not there")));
}

/// Cut anywhere, the file is refused with a sentence; it never crashes and never reads as a shorter
/// run.
TEST(TimelineReader, RefusesAFileCutAnywhere) {
  const auto path = test_folder() / "a.h5";
  TimelineFile(path, example_meta(), example_program()).close("{}");
  const std::string whole = contents(path);
  for (std::size_t size = 0; size < whole.size(); size += 997) {
    write_contents(path, whole.substr(0, size));
    EXPECT_THROW(TimelineReader{path}, InvalidScenario) << size;
  }
}

}  // namespace
}  // namespace orrery
