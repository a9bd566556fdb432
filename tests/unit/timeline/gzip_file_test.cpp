#include "timeline/gzip_file.hpp"

#include "base/random.hpp"
#include "timeline/output_error.hpp"
#include "unit/timeline/files.hpp"
#include "unit/timeline/full_disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

namespace orrery {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::string unpacked(const std::filesystem::path& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  std::string text(1 << 22, '\0');
  text.resize(static_cast<std::size_t>(gzread(file, text.data(), 1 << 22)));
  gzclose(file);
  return text;
}

/// Does not compress to nothing.
std::string noise(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('0' + mix_bits(i) % 64);
  return text;
}

TEST(GzipFile, CompressesWhenItsNameSaysSo) {
  const auto path = test_folder() / "a.json.gz";
  GzipFile file(path);
  file.write("one, ");
  file.write("two");
  file.close();

  EXPECT_EQ(contents(path).substr(0, 2), "\x1f\x8b");
  EXPECT_EQ(unpacked(path), "one, two");
}

TEST(GzipFile, WritesPlainTextOtherwise) {
  const auto path = test_folder() / "a.json";
  GzipFile file(path);
  file.write("one");
  file.close();
  EXPECT_EQ(contents(path), "one");
}

TEST(GzipFile, KeepsTextsLargerThanItsBuffer) {
  const auto path = test_folder() / "a.gz";
  const std::string text = noise(3'000'000);
  GzipFile file(path);
  for (std::size_t i = 0; i < text.size(); i += 1'000) file.write(text.substr(i, 1'000));
  file.close();
  EXPECT_TRUE(unpacked(path) == text);
}

TEST(GzipFile, SaysWhenTheDiskIsFullAndLeavesNothingBehind) {
  const auto folder = test_folder();
  const FullDisk disk(10'000);
  const auto write = [&] {
    GzipFile file(folder / "a.gz");
    file.write(noise(3'000'000));
    file.close();
  };
  EXPECT_THAT(write, ThrowsMessage<OutputError>(HasSubstr("a.gz: File too large")));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

}  // namespace
}  // namespace orrery
