#include "timeline/timeline_file.hpp"

#include "timeline/output_error.hpp"
#include "unit/timeline/files.hpp"
#include "unit/timeline/full_disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

/// Asked by the leak checker of the address sanitizer; see full_disk.hpp.
extern "C" const char* __lsan_default_suppressions() { return orrery::hdf5_keeps; }

namespace orrery {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

void write_example(const std::filesystem::path& path, std::uint32_t spans) {
  TimelineFile file(path, example_meta(), example_program());
  for (std::uint32_t i = 0; i < spans; ++i) file.add(example_span(i));
  file.add(MemorySample{.at = Instant{Duration{5}}, .bytes = Bytes(77)});
  file.add(LinkSample{.at = Instant{Duration{6}}, .bytes_per_second = 4.5e11});
  file.close("{}");
}

/// Two runs a second apart: time stamps inside the file would tell them apart.
TEST(TimelineFile, IsTheSameBytesForTheSameRun) {
  const auto folder = test_folder();
  write_example(folder / "a.h5", 100'000);
  std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
  write_example(folder / "b.h5", 100'000);

  EXPECT_EQ(contents(folder / "a.h5"), contents(folder / "b.h5"));
}

TEST(TimelineFile, StaysSmallForARegularRun) {
  const auto path = test_folder() / "a.h5";
  write_example(path, 1'000'000);
  EXPECT_LT(std::filesystem::file_size(path), 8U << 20);
}

TEST(TimelineFile, LeavesNothingBehindWhenItIsNotClosed) {
  const auto folder = test_folder();
  {
    TimelineFile file(folder / "a.h5", example_meta(), example_program());
    file.add(example_span(0));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST(TimelineFile, SaysWhenTheDiskIsFullAndLeavesNothingBehind) {
  const auto folder = test_folder();
  const FullDisk disk(100'000);
  EXPECT_THAT(
      [&] { write_example(folder / "a.h5", 1'000'000); },
      ThrowsMessage<OutputError>(HasSubstr((folder / "a.h5").string() + ": File too large")));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

/// Wherever the disk fills up, in the dictionaries, in a row or while closing.
TEST(TimelineFile, NeverLeavesHalfAFile) {
  const auto folder = test_folder();
  int failures = 0;
  for (rlim_t bytes = 0; bytes < 100'000; bytes += 2'500) {
    const FullDisk disk(bytes);
    try {
      write_example(folder / "a.h5", 2'000);
    } catch (const OutputError&) {
      ++failures;
      EXPECT_TRUE(std::filesystem::is_empty(folder)) << bytes;
    }
  }
  EXPECT_GT(failures, 5);
  EXPECT_TRUE(std::filesystem::exists(folder / "a.h5"));
}

TEST(TimelineFile, WritesTheNextRunAfterADiskWasFull) {
  const auto folder = test_folder();
  {
    const FullDisk disk(30'000);
    EXPECT_THROW(write_example(folder / "a.h5", 1'000'000), OutputError);
  }
  write_example(folder / "a.h5", 10);
  EXPECT_TRUE(std::filesystem::exists(folder / "a.h5"));
}

/// The library must not stumble, on its way out, over the file that it could not write.
TEST(TimelineFileDeath, LetsTheProgramEndAfterADiskWasFull) {
  const auto fill_disk_and_end = [folder = test_folder()] {
    const FullDisk disk(30'000);
    EXPECT_THROW(write_example(folder / "a.h5", 1'000'000), OutputError);
    std::exit(0);
  };
  EXPECT_EXIT(fill_disk_and_end(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace orrery
