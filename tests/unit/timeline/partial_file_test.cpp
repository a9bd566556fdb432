#include "timeline/partial_file.hpp"

#include "timeline/output_error.hpp"
#include "unit/timeline/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(PartialFile, HasItsNameOnlyWhenKept) {
  const auto path = test_folder() / "a.h5";
  PartialFile file(path);
  write_contents(file.partial(), "whole");
  EXPECT_FALSE(std::filesystem::exists(path));
  file.keep();

  EXPECT_EQ(contents(path), "whole");
  EXPECT_FALSE(std::filesystem::exists(file.partial()));
}

TEST(PartialFile, LeavesAnOlderFileAloneWhenNotKept) {
  const auto path = test_folder() / "a.h5";
  write_contents(path, "older");
  {
    PartialFile file(path);
    write_contents(file.partial(), "half");
  }
  EXPECT_EQ(contents(path), "older");
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".partial"));
}

TEST(PartialFile, WritesWhereALinkPoints) {
  const auto folder = test_folder();
  write_contents(folder / "target", "older");
  std::filesystem::create_symlink("target", folder / "link");
  PartialFile file(folder / "link");
  write_contents(file.partial(), "newer");
  file.keep();

  EXPECT_EQ(contents(folder / "target"), "newer");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
}

TEST(PartialFile, RefusesAFolderInPlaceOfTheFile) {
  const auto folder = test_folder();
  EXPECT_THAT([&] { PartialFile{folder}; },
              ThrowsMessage<OutputError>(HasSubstr(folder.string() + ": this is a folder")));
}

TEST(PartialFile, RefusesADevice) {
  EXPECT_THAT([] { PartialFile{"/dev/null"}; },
              ThrowsMessage<OutputError>(HasSubstr("not a plain file")));
  EXPECT_FALSE(std::filesystem::exists("/dev/null.partial"));
}

TEST(PartialFile, NamesTheFolderThatIsMissing) {
  const auto folder = test_folder() / "none";
  EXPECT_THAT(
      [&] { PartialFile{folder / "a.h5"}; },
      ThrowsMessage<OutputError>(HasSubstr("the folder " + folder.string() + " does not exist")));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(PartialFile, MakesTheFolderOfResultsItself) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(test_folder());
  PartialFile("results/a.h5").keep();

  EXPECT_TRUE(std::filesystem::exists("results/a.h5"));
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace orrery
