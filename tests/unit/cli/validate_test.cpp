#include "cli/command_line.hpp"
#include "unit/validation/table_file.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <string>

namespace orrery {
namespace {

using ::testing::HasSubstr;
using testing::TableFile;

/// A run, the same run at another time, and one whose tensor groups cannot be.
const std::string table =
    "id,group,assumed,model,cluster,gpus,workload.sequence_length,workload.global_batch,strategy."
    "tp,"
    "measured.step_time_s\n"
    "A,ours,,llama2-7b,dgx-h100,8,4096,16,8,1.0\n"
    "B,theirs,batch,llama2-7b,dgx-h100,8,4096,16,8,2.0\n"
    "C,theirs,,llama2-7b,dgx-h100,8,4096,16,3,2.0\n";

struct Ran {
  int status = 0;
  std::string out;
};

Ran validate(const TableFile& file, const std::vector<std::string>& options) {
  std::vector<std::string> typed = {"validate", file.path().string()};
  typed.insert(typed.end(), options.begin(), options.end());
  ::testing::internal::CaptureStdout();
  Ran ran;
  ran.status = guarded_command_line(typed);
  ran.out = ::testing::internal::GetCapturedStdout();
  return ran;
}

TEST(Validate, PrintsRowsGroupsAndWhatItSkippedAsJson) {
  const Ran ran = validate(TableFile(table), {"--json"});
  const auto json = nlohmann::json::parse(ran.out);

  EXPECT_EQ(ran.status, exit_failed);
  ASSERT_EQ(json["rows"].size(), 2U);
  const double predicted = json["rows"][0]["predicted"];
  EXPECT_EQ(json["rows"][1]["predicted"], predicted);
  EXPECT_NEAR(json["rows"][1]["error"], predicted / 2.0 - 1.0, 1e-12);
  EXPECT_EQ(json["groups"][1]["group"], "theirs");
  EXPECT_EQ(json["groups"][1]["rows"], 1);
  EXPECT_EQ(json["skipped"][0]["id"], "C");
}

TEST(Validate, SpeaksToPeopleInUnitsAndPercent) {
  const Ran ran = validate(TableFile(table), {"--by", "strategy.tp"});

  EXPECT_THAT(ran.out, HasSubstr("2.000 s"));
  EXPECT_THAT(ran.out, HasSubstr("1 row skipped\n  gpus = 8 is no multiple of"));
  EXPECT_THAT(ran.out, HasSubstr("2 sources"));
}

TEST(Validate, EndsWellWhenEveryRowWasSimulated) {
  const std::string two_rows = table.substr(0, table.find("C,"));

  EXPECT_EQ(validate(TableFile(two_rows), {}).status, exit_done);
}

}  // namespace
}  // namespace orrery
