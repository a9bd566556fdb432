#include "timeline/hdf5.hpp"

#include "base/diagnostics.hpp"
#include "timeline/output_error.hpp"
#include "unit/timeline/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace orrery {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

hdf5::Writer writer(const std::filesystem::path& path) { return {path, path}; }

TEST(Hdf5, ReadsNumbersAndTextsThatItWrote) {
  const auto path = test_folder() / "a.h5";
  hdf5::Writer file = writer(path);
  file.group("/g");
  file.numbers("/g/n", std::vector<double>{1.5, -0.25, INFINITY});
  file.texts("/g/t", {"one", "", "drei → 3"});
  file.text("/s", "");
  file.attribute("/g", "seed", 18'446'744'073'709'551'615U);
  file.close();

  const hdf5::Reader read(path);
  EXPECT_EQ(read.numbers<double>("/g/n"), (std::vector<double>{1.5, -0.25, INFINITY}));
  EXPECT_EQ(read.texts("/g/t"), (std::vector<std::string>{"one", "", "drei → 3"}));
  EXPECT_EQ(read.text("/s"), "");
  EXPECT_EQ(read.number_attribute("/g", "seed"), 18'446'744'073'709'551'615U);
}

TEST(Hdf5, ReadsAnyStretchOfAColumnThatGrew) {
  const auto path = test_folder() / "a.h5";
  hdf5::Writer file = writer(path);
  hdf5::GrowingDataset column = file.growing<std::uint32_t>("/n");
  const std::vector<std::uint32_t> first{0, 1, 2, 3}, second{4, 5};
  column.append(first.data(), first.size());
  column.append(second.data(), second.size());
  column.close();
  file.close();

  const hdf5::Reader read(path);
  EXPECT_EQ(read.rows("/n"), 6U);
  EXPECT_EQ(read.numbers<std::uint32_t>("/n", 3, 2), (std::vector<std::uint32_t>{3, 4}));
}

TEST(Hdf5, KeepsEmptyColumns) {
  const auto path = test_folder() / "a.h5";
  hdf5::Writer file = writer(path);
  file.numbers("/n", std::vector<std::int64_t>{});
  file.texts("/t", {});
  file.close();

  const hdf5::Reader read(path);
  EXPECT_EQ(read.rows("/n"), 0U);
  EXPECT_TRUE(read.texts("/t").empty());
}

TEST(Hdf5, SaysWhichDatasetIsMissing) {
  const auto path = test_folder() / "a.h5";
  writer(path).close();

  EXPECT_THAT([&] { hdf5::Reader(path).numbers<double>("/spans/begin_ps"); },
              ThrowsMessage<InvalidScenario>(
                  HasSubstr("a.h5: error: the dataset /spans/begin_ps is missing")));
}

TEST(Hdf5, RefusesToReadAStretchBeyondTheEnd) {
  const auto path = test_folder() / "a.h5";
  hdf5::Writer file = writer(path);
  file.numbers("/n", std::vector<std::uint8_t>{1, 2});
  file.close();

  EXPECT_THAT([&] { hdf5::Reader(path).numbers<std::uint8_t>("/n", 1, 2); },
              ThrowsMessage<InvalidScenario>(HasSubstr("/n cannot be read")));
}

TEST(Hdf5, RefusesFilesThatAreNone) {
  const auto folder = test_folder();
  write_contents(folder / "text.h5", "name = \"a scenario\"\n");
  write_contents(folder / "empty.h5", "");

  const auto open = [&](const char* name) { return [&, name] { hdf5::Reader(folder / name); }; };
  EXPECT_THAT(open("text.h5"), ThrowsMessage<InvalidScenario>(HasSubstr("this is no HDF5 file")));
  EXPECT_THAT(open("empty.h5"), ThrowsMessage<InvalidScenario>(HasSubstr("this is no HDF5 file")));
  EXPECT_THAT(open("none.h5"), ThrowsMessage<InvalidScenario>(HasSubstr("no such file")));
  EXPECT_THAT(open(""), ThrowsMessage<InvalidScenario>(HasSubstr("a folder, not a file")));
}

TEST(Hdf5, SaysThatAFileIsCutOff) {
  const auto path = test_folder() / "a.h5";
  hdf5::Writer file = writer(path);
  file.numbers("/n", std::vector<double>(1'000, 0.5));
  file.close();
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);

  EXPECT_THAT([&] { hdf5::Reader{path}; },
              ThrowsMessage<InvalidScenario>(HasSubstr("truncated file")));
}

TEST(Hdf5, SaysWhyAFileCannotBeMade) {
  const auto path = test_folder() / "missing" / "a.h5";
  EXPECT_THAT([&] { writer(path); },
              ThrowsMessage<OutputError>(HasSubstr("a.h5: No such file or directory")));
}

}  // namespace
}  // namespace orrery
